import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';

/** How late the most overdue work is, over all replicas. 0 when nothing is overdue. */
export interface DueWork {
  readonly refreshOverdueSeconds: number;
  readonly probeOverdueSeconds: number;
}

/** Each the first entry of an index. What somebody has taken on is under way, not overdue. */
const OLDEST = `SELECT
  (SELECT refresh_at FROM credentials
   WHERE refresh_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
   ORDER BY refresh_at LIMIT 1) AS "refreshAt",
  (SELECT probe_at FROM credentials
   WHERE probe_at <= $1 AND (probe_lease_until IS NULL OR probe_lease_until <= $1)
   ORDER BY probe_at LIMIT 1) AS "probeAt"`;

/** Looks how late refreshes and probes are. */
export const createReadDueWork =
  ({ db, clock }: { readonly db: Pick<Database, 'query'>; readonly clock: Clock }) =>
  async (): Promise<DueWork> => {
    const now = clock.now();
    const [oldest] = await db.query<{ refreshAt: Date | null; probeAt: Date | null }>('due_work', OLDEST, [
      now,
    ]);
    const overdue = (at: Date | null | undefined): number =>
      at ? Math.max(0, (now.getTime() - at.getTime()) / 1000) : 0;
    return {
      refreshOverdueSeconds: overdue(oldest?.refreshAt),
      probeOverdueSeconds: overdue(oldest?.probeAt),
    };
  };
