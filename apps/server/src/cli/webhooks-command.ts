import { parseArgs } from 'node:util';
import { webhookReplayRequest } from '@authpipe/types';
import { asActor } from '../actor.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { StartError } from '../errors/start-error.js';
import { createReplay } from '../webhooks/replay.js';
import { orAskServer } from './ask-server.js';
import { commandActor } from './command-actor.js';
import { WEBHOOKS_HELP } from './help.js';
import { isUsageError } from './usage-error.js';
import { type WriteLine, writeNote as writeToStderr, writeLine as writeToStdout } from './write-line.js';

/** What `authpipe webhooks` works with. */
export interface WebhooksCommandDependencies {
  /** Opens the database for a while; help needs none. */
  readonly withDatabase: (run: (db: Database) => Promise<void>) => Promise<void>;
  readonly clock: Clock;
  /** For what was asked for; standard output unless told. */
  readonly writeLine?: WriteLine;
  /** For words about it; standard error unless told. */
  readonly writeNote?: WriteLine;
}

const usage = (what: string): StartError => new StartError(`${what}\n\n${WEBHOOKS_HELP}`);

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        event: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        undelivered: { type: 'boolean' },
      },
    });
  } catch (error) {
    if (isUsageError(error)) throw usage(error.message);
    throw error;
  }
};

const replay = async (
  args: readonly string[],
  { withDatabase, clock, writeLine = writeToStdout, writeNote = writeToStderr }: WebhooksCommandDependencies,
): Promise<void> => {
  const { values, positionals } = parse(args);
  const { event, since, until, undelivered } = values;
  const [id, ...others] = positionals;
  if (id === undefined || others.length > 0) throw usage('Say which endpoint, by its id (whe_…).');
  const hasRange = since !== undefined || until !== undefined || undelivered !== undefined;
  if ((event !== undefined) === hasRange) throw usage('Give either --event, or --since for a range of time.');
  const range = webhookReplayRequest.safeParse({
    since,
    ...(until === undefined ? {} : { until }),
    onlyUndelivered: undelivered ?? false,
  });
  if (event === undefined && !range.success)
    throw usage('--since and --until are times such as 2026-11-25T09:30:00Z.');
  await withDatabase(async (db) => {
    const { replayDelivery, replayRange } = createReplay({ db, clock });
    await asActor(commandActor('webhooks replay'), async () => {
      if (event !== undefined) writeLine(String(await replayDelivery(id, null, event)));
      else if (range.success) writeLine(String(await replayRange(id, null, range.data)));
    });
  });
  writeNote('So many deliveries are in line: a running server sends them within seconds.');
};

/**
 * `authpipe webhooks replay`: prints how many deliveries were put in line.
 * @throws StartError with a sentence for the person at the terminal
 */
export const runWebhooksCommand = async (
  [command = 'help', ...args]: readonly string[],
  dependencies: WebhooksCommandDependencies,
): Promise<void> => {
  if (command === 'help' || command === '--help' || (command === 'replay' && args.includes('--help'))) {
    (dependencies.writeLine ?? writeToStdout)(WEBHOOKS_HELP.trimEnd());
    return;
  }
  if (command !== 'replay') throw usage(`There is no command "webhooks ${command}".`);
  try {
    await orAskServer(
      'ask it instead, with POST /v1/webhook-endpoints/{id}/replay, or for one event …/deliveries/{eventId}/replay',
      () => replay(args, dependencies),
    );
  } catch (error) {
    // Told alone, without a stack: the person can mend it.
    if (error instanceof Problem) throw new StartError(error.message);
    throw error;
  }
};
