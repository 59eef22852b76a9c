// A replica in a process of its own: sweeps and reads when told to, on the clock it is told.
import { openPostgres } from '../../src/db/postgres.js';
import { Problem } from '../../src/errors/problem.js';
import { createLogger } from '../../src/log/logger.js';
import type { ChildReply, ChildRequest } from './refreshing-process.js';
import { ENVIRONMENT, refOf, startNode } from './world.js';

const [, , url] = process.argv;
if (!url) throw new Error('Give the URL of the database.');
process.on('disconnect', () => process.exit(0));

let now = new Date();
const log = createLogger('silent');
const db = await openPostgres(url, log);
const node = await startNode({ db, clock: { now: () => now }, log });

/** A bound on what never comes: on a busy machine a token may take longer than a reader waits. */
const MAX_READS = 10;

/** Reads as a client does: what may be tried again is. */
const read = async (userId: string, reads = 1): Promise<void> => {
  try {
    await node.readCredential(refOf(userId), ENVIRONMENT, null);
  } catch (error) {
    if (!(error instanceof Problem && error.retryable) || reads === MAX_READS) throw error;
    await read(userId, reads + 1);
  }
};

const perform = async ({ work, at, userIds }: ChildRequest): Promise<number> => {
  now = new Date(at);
  if (work === 'sweep') return node.refresh.sweepDueRefreshes(now);
  await Promise.all(userIds.map((userId) => read(userId)));
  return userIds.length;
};

process.on('message', (request: ChildRequest) => {
  perform(request).then(
    (count) => process.send?.({ id: request.id, count } satisfies ChildReply),
    (error: unknown) => process.send?.({ id: request.id, error: String(error) } satisfies ChildReply),
  );
});
process.send?.({ id: 0, count: 0 } satisfies ChildReply);
