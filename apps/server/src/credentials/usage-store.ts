import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';

/** A read is noted when the last one noted is older than this: about a write a connection and day, however often it is read. */
const NOTE_AFTER_SECONDS = 12 * 3600;
/** Reads that wait to be noted; beyond it they are noted another time. */
const MAX_WAITING = 50_000;

const NOTE = `UPDATE credentials SET last_used_at = $2
  WHERE connection_id = ANY ($1::text[]) AND (last_used_at IS NULL OR last_used_at <= $3)`;

/** When connections were last read, about. */
export const createUsageStore = ({ db, clock }: { readonly db: Database; readonly clock: Clock }) => {
  const waiting = new Set<string>();

  return {
    /** Notes that a connection was read. Costs nothing but memory; `flushUses` writes what is new. */
    noteUse(connectionId: string, lastUsedAt: Date | null): void {
      if (lastUsedAt !== null && addSeconds(lastUsedAt, NOTE_AFTER_SECONDS) > clock.now()) return;
      if (waiting.size < MAX_WAITING) waiting.add(connectionId);
    },

    /**
     * Writes the reads noted since, in one statement; none where there were none.
     * @throws when the database is away; what could not be written waits for the next time
     */
    async flushUses(): Promise<void> {
      if (waiting.size === 0) return;
      const ids = [...waiting];
      waiting.clear();
      const now = clock.now();
      try {
        await db.query('uses_note', NOTE, [ids, now, addSeconds(now, -NOTE_AFTER_SECONDS)]);
      } catch (error) {
        for (const id of ids.slice(0, MAX_WAITING - waiting.size)) waiting.add(id);
        throw error;
      }
    },
  };
};

export type UsageStore = ReturnType<typeof createUsageStore>;
