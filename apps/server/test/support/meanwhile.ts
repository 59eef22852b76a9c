import type { Database } from '../../src/db/database.js';

/** How often it is looked whether somebody waits. */
const LOOK_MILLIS = 2;

/**
 * Runs `work` while another transaction of a real Postgres has carried out `statements`, all with the one value `id`, and
 * commits that one when `work` waits for it: what `work` sees first is older than what it writes on.
 */
export const commitMeanwhile = async <Result>(
  { driver }: Database,
  id: string,
  statements: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> => {
  if (driver.kind !== 'postgres') throw new Error('Two transactions at once need a real Postgres.');
  const other = await driver.pool.connect();
  try {
    await other.query('BEGIN');
    for (const statement of statements) await other.query(statement, [id]);
    let isOver = false;
    const working = work().finally(() => {
      isOver = true;
    });
    const isWaitedFor = async (): Promise<boolean> =>
      (
        await other.query(
          'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)) LIMIT 1',
        )
      ).rows.length > 0;
    while (!isOver && !(await isWaitedFor()))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
    await other.query('COMMIT');
    return await working;
  } finally {
    // For good: what failed on the way must not be found by the next one in the same transaction.
    other.release(true);
  }
};

/** What every change of a grant does, in its order: the connection first, then its credential. */
export const NEXT_VERSION = [
  'SELECT 1 FROM connections WHERE id = $1 FOR UPDATE',
  'UPDATE credentials SET version = version + 1 WHERE connection_id = $1',
  'UPDATE connections SET updated_at = now() WHERE id = $1',
] as const;
