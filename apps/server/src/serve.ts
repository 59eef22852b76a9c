import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiKeys, createApiKeys } from './access/api-key-store.js';
import { systemClock } from './clock.js';
import { compose } from './compose.js';
import { encryptionKeysOf } from './config/encryption-keys.js';
import type { Config } from './config/read-config.js';
import { warnOfEmbedded } from './config/warn-of-embedded.js';
import { createDatabaseClock } from './db/database-clock.js';
import { openDatabase } from './db/open-database.js';
import { systemSteadyMillis, systemWallMillis } from './db/steady-millis.js';
import type { Deployment } from './deployment/deployment.js';
import { openDeployment } from './deployment/open-deployment.js';
import { errorSummary } from './errors/error-summary.js';
import { StartError } from './errors/start-error.js';
import { startEventFeed } from './events/start-event-feed.js';
import { answerUnreadable } from './http/answer-unreadable.js';
import { closeServer } from './http/close-server.js';
import { startHeartbeat } from './jobs/heartbeat.js';
import { startJobs } from './jobs/start-jobs.js';
import type { Logger } from './log/logger.js';
import { createMetrics } from './metrics/create-metrics.js';
import { exportOtlp } from './metrics/export-otlp.js';
import { systemRandomness } from './randomness.js';
import { systemSleep } from './sleep.js';
import { openVault } from './vault/open-vault.js';
import { type RootKey, rootKeyOf } from './vault/root-key.js';

/** A running server. */
export interface RunningServer {
  readonly port: number;
  /** Finishes what is under way, within 10 s, and lets go of everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** What `apps/web` built: beside the bundle in the package, in its own folder in the workspace. */
const findWebFolder = (): string => {
  const here = dirname(fileURLToPath(import.meta.url));
  const packaged = join(here, 'web');
  return existsSync(packaged) ? packaged : join(here, '..', '..', 'web', 'dist');
};

/**
 * Longer than the minute for which load balancers keep a connection: whoever closes it first while the other sends a
 * request breaks that request, and clients know when to stop using it.
 */
const KEEP_ALIVE_MILLIS = 65_000;

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(`Port ${port} is taken: stop what listens there, or set PORT to a free one.`)
          : new StartError(
              `The server can't listen on port ${port} (${error.code}): set PORT to another one.`,
            ),
      );
    });
    server.listen(port, resolve);
  });

/** What can't be stopped in order (the database is away, say) holds up nothing that has something left to finish. */
const stopAll = async (log: Logger, stopping: readonly (Promise<void> | undefined)[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(stopping)) {
    if (outcome.status === 'fulfilled') continue;
    log.warn({ error: errorSummary(outcome.reason) }, 'a part of the server did not stop in order');
  }
};

/** What was begun so far, and has to be stopped. */
interface Begun {
  deployment?: Deployment;
  drain?: () => Promise<void>;
  beats?: { stop: () => Promise<void> };
  eventFeed?: { stop: () => Promise<void> };
  jobs?: { stop: () => Promise<void> };
  otlp?: { stop: () => Promise<void> };
}

/** A key that was in the environment once stays valid until it is revoked: its owner should know. */
const letBootKeyIn = async (apiKeys: ApiKeys, key: string, log: Logger): Promise<void> => {
  const { stillValid } = await apiKeys.ensureBootKey(key);
  if (stillValid.length === 0) return;
  log.warn(
    { keys: stillValid },
    'Earlier values of AUTHPIPE_API_KEY are still accepted: end them with `authpipe keys revoke ID`.',
  );
};

const fingerprintsOf = ([first, ...others]: readonly RootKey[]): [string, ...string[]] => {
  if (!first) throw new StartError('There is no root key: set AUTHPIPE_ENCRYPTION_KEY.');
  return [first.id, ...others.map(({ id }) => id)];
};

/**
 * Starts the server: root keys, database, vault, whose database it is, rooms, port, jobs.
 * @throws StartError with a sentence that says what to do; nothing stays open then
 */
export const serve = async (config: Config, log: Logger, version: string): Promise<RunningServer> => {
  const randomness = systemRandomness;
  const rootKeys = encryptionKeysOf(config, { log, randomBytes: randomness.bytes }).map(rootKeyOf);
  warnOfEmbedded(config, log);
  const db = await openDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, log });
  const [monotonicMillis, wallMillis] = [systemSteadyMillis, systemWallMillis];
  const clock = createDatabaseClock({ db, clock: systemClock, monotonicMillis });
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS });
  const begun: Begun = {};
  const stopOnce = async (): Promise<void> => {
    const { drain, jobs, eventFeed, beats, deployment, otlp } = begun;
    await stopAll(log, [closeServer(server), drain?.(), jobs?.stop(), eventFeed?.stop()]);
    await stopAll(log, [beats?.stop(), otlp?.stop()]);
    await stopAll(log, [deployment?.close()]);
    await stopAll(log, [db.close()]);
  };
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= stopOnce();
    return stopping;
  };
  try {
    await clock.ask();
    const isDevelopmentKey = config.encryptionKeys === null;
    const vault = await openVault({ db, rootKeys, isDevelopmentKey, clock, randomness });
    const deployment = await openDeployment({
      ...{ db, clock, randomness, sleep: systemSleep, log, dataDir: config.dataDir },
      rootKeyIds: fingerprintsOf(rootKeys),
      givenId: config.deploymentId,
    });
    begun.deployment = deployment;
    const apiKeys = createApiKeys({ db, clock, randomness });
    if (config.bootApiKey !== undefined) await letBootKeyIn(apiKeys, config.bootApiKey, log);
    const metrics = createMetrics();
    const { app, work, heartbeat, feed, notifications, wakeWebhooks, drain } = compose({
      ...{
        config,
        db,
        vault,
        clock,
        monotonicMillis,
        wallMillis,
        randomness,
        log,
        version,
        apiKeys,
        deployment,
        metrics,
      },
      sleep: systemSleep,
      webFolder: findWebFolder(),
    });
    begun.drain = drain;
    server.on('request', app);
    server.on('clientError', answerUnreadable(randomness, config.publicUrl));
    // What an earlier process could not write is written before anybody asks for it.
    begun.beats = await startHeartbeat(heartbeat);
    begun.eventFeed = await startEventFeed(feed, notifications, wakeWebhooks);
    const observe = metrics.observeJob;
    begun.jobs = await startJobs({ db, work, clock, monotonicMillis, observe, log });
    const { registry } = metrics;
    if (config.otlp) begun.otlp = exportOtlp(config.otlp, { registry, clock: systemClock, log, version });
    // Last: whoever is answered is served by a whole server, which an outage of the database does not end.
    await listen(server, config.port);
    const address = server.address();
    return { port: address !== null && typeof address === 'object' ? address.port : config.port, stop };
  } catch (error) {
    // In order too: a refresh that is under way may hold the only copy of an answer.
    await stop();
    throw error;
  }
};
