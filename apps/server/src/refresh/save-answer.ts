import type { RefreshStore } from '../credentials/refresh-store.js';
import type { Logger } from '../log/logger.js';
import type { Sleep } from '../sleep.js';
import type { KeptAnswer, Spool } from './spool.js';

/** A new token that can't be written is tried again this often, and then with every beat. */
const SAVE_ATTEMPTS = 4;
const FIRST_SAVE_PAUSE_MILLIS = 250;
/**
 * A database that has not answered by then may stand still for minutes; until the answer is kept, it is nowhere but in the
 * memory of this process.
 */
export const SAVE_PATIENCE_MILLIS = 1_000;

/** Writes an answer, or keeps it until it can be written. Resolves to what became of it, within seconds; never rejects. */
export const createSaveAnswer = ({
  store,
  spool,
  sleep,
  log,
  isStopping,
}: {
  readonly store: Pick<RefreshStore, 'saveRefreshed'>;
  readonly spool: Pick<Spool, 'keep' | 'settle'>;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly isStopping: () => boolean;
}) => {
  /** What it came to; `null` when it failed, or is not done yet: it goes on, and nobody waits for it. */
  const withPatience = <Result>(work: Promise<Result>): Promise<Result | null> =>
    Promise.race([work.catch(() => null), sleep(SAVE_PATIENCE_MILLIS).then(() => null)]);

  return async (answer: KeptAnswer): Promise<'saved' | 'superseded' | 'kept'> => {
    let isSaved = false;
    const saving = store.saveRefreshed(answer.fence, answer.refreshed).then((isWritten) => {
      isSaved = isWritten;
    });
    await withPatience(saving);
    if (isSaved) return 'saved';
    // Only what the database took in before is on record there: from here on the answer is ours to lose.
    await spool.keep(answer);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await withPatience(spool.settle(answer));
      // The first statement may have come through after all.
      if (outcome === 'superseded' && isSaved) return 'saved';
      if (outcome === 'saved' || outcome === 'superseded') return outcome;
      if (attempt === SAVE_ATTEMPTS || outcome === 'held' || isStopping()) break;
      await sleep(FIRST_SAVE_PAUSE_MILLIS * 2 ** (attempt - 1));
    }
    log.error({ connectionId: answer.fence.connection.id }, 'a refreshed token waits to be written');
    return 'kept';
  };
};
