#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { asActor } from './actor.js';
import { runAdoptCommand } from './cli/adopt-command.js';
import { runAuditCommand } from './cli/audit-command.js';
import { commandActor } from './cli/command-actor.js';
import { HELP } from './cli/help.js';
import { runKeysCommand } from './cli/keys-command.js';
import { runMigrateCommand } from './cli/migrate-command.js';
import { runWebhooksCommand } from './cli/webhooks-command.js';
import { systemClock } from './clock.js';
import { encryptionKeysOf } from './config/encryption-keys.js';
import { type Config, readConfig } from './config/read-config.js';
import type { Database } from './db/database.js';
import { requireEmbedded } from './db/embedded.js';
import { openDatabase } from './db/open-database.js';
import { systemSteadyMillis } from './db/steady-millis.js';
import { StartError } from './errors/start-error.js';
import { createLogger } from './log/logger.js';
import { systemRandomness } from './randomness.js';
import { type RunningServer, serve } from './serve.js';
import { systemSleep } from './sleep.js';

/** A stop that takes longer than this is cut short. */
const STOP_MILLIS = 15_000;

const readVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
};

const runServe = async (): Promise<void> => {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel);
  let server: RunningServer | null = null;
  const stop = (): void => {
    // In the middle of the start there is nothing to finish, and what is half made is made anew.
    if (!server) process.exit(0);
    setTimeout(() => process.exit(1), STOP_MILLIS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the server did not stop in order');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // A parent that started us with a channel takes us along when it ends.
  if (process.channel) process.on('disconnect', stop);
  server = await serve(config, log, readVersion());
  log.info(
    { port: server.port, url: config.publicUrl, production: config.isProduction },
    'Authpipe is ready',
  );
};

/** Commands that need the database and no port. */
const withDatabase = async (run: (db: Database, config: Config) => Promise<void>): Promise<void> => {
  const config = readConfig(process.env);
  // Standard output is for what the command prints.
  const log = createLogger('warn', process.stderr);
  const db = await openDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, log });
  try {
    await run(db, config);
  } finally {
    await db.close();
  }
};

/** Of these those that look into a database that is there: they make no other. */
const withExisting = async (run: (db: Database) => Promise<void>): Promise<void> => {
  const { databaseUrl, dataDir } = readConfig(process.env);
  if (databaseUrl === undefined) requireEmbedded(dataDir);
  await withDatabase(run);
};

const printHelp = async (): Promise<void> => {
  process.stdout.write(HELP);
};

const [command = 'help', ...args] = process.argv.slice(2);
const commands = new Map<string, () => Promise<void>>([
  ['serve', runServe],
  ['migrate', () => withDatabase(async (db) => runMigrateCommand({ db }))],
  [
    'keys',
    () =>
      withDatabase((db) => runKeysCommand(args, { db, clock: systemClock, randomness: systemRandomness })),
  ],
  [
    'adopt',
    () =>
      withDatabase((db, { dataDir, deploymentId }) =>
        runAdoptCommand(args, {
          ...{ db, dataDir, clock: systemClock, randomness: systemRandomness, sleep: systemSleep },
          monotonicMillis: systemSteadyMillis,
          givenId: deploymentId,
        }),
      ),
  ],
  ['webhooks', () => runWebhooksCommand(args, { withDatabase: withExisting, clock: systemClock })],
  [
    'audit',
    () =>
      runAuditCommand(args, {
        withDatabase: withExisting,
        rootKeys: () =>
          encryptionKeysOf(readConfig(process.env), {
            log: createLogger('warn', process.stderr),
            randomBytes: systemRandomness.bytes,
          }),
        clock: systemClock,
        randomness: systemRandomness,
      }),
  ],
  ['help', printHelp],
  ['--help', printHelp],
  [
    '--version',
    async () => {
      process.stdout.write(`${readVersion()}\n`);
    },
  ],
]);

const run = commands.get(command);
try {
  if (!run) throw new StartError(`There is no command "${command}".\n\n${HELP}`);
  if (run === runServe) await run();
  else await asActor(commandActor([command, ...args.slice(0, 1)].join(' ')), run);
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
}
