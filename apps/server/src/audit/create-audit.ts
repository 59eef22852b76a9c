import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { createAuditKey } from './audit-key-store.js';
import { createChainEntries } from './chain-entries.js';
import { createCheckpoint } from './checkpoints.js';
import { exportChain } from './export-audit.js';
import { createForgetAudit } from './forget-audit.js';
import { createListAudit } from './list-audit.js';
import { createReportedUses, type FindTenants } from './reported-uses.js';
import { createUseCounts } from './use-counts.js';
import { createVerifyAudit } from './verify-audit.js';

export interface AuditDependencies {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  /** `AUTHPIPE_AUDIT_RETENTION_DAYS` */
  readonly retentionDays: number;
  readonly findTenants: FindTenants;
  /** Told of connections that clients serve from their own memory. */
  readonly onReportedUse?: (connectionId: string, count: number) => void;
}

const OLDEST_PENDING = 'SELECT time FROM audit_pending ORDER BY sequence LIMIT 1';

/** Who did what to which connection, when, from where and with which result: chained, sealed, read and forgotten. */
export const createAudit = ({
  db,
  vault,
  clock,
  randomness,
  log,
  retentionDays,
  findTenants,
  onReportedUse,
}: AuditDependencies) => {
  const auditKey = createAuditKey({ db, vault, clock, randomness });
  const counts = createUseCounts({ db, clock, log });
  const reported = createReportedUses(counts, findTenants, onReportedUse);
  const chainEntries = createChainEntries({ db, auditKey, clock, randomness, log });
  const forget = createForgetAudit({
    db,
    auditKey,
    chainEntries,
    settleTenant: counts.settleTenant,
    clock,
    log,
    retentionDays,
  });
  const verification = createVerifyAudit({ db, auditKey });
  let isAway = false;

  /** Never rejects: what was not done now is done with the next beat. */
  const quietly = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      isAway = false;
    } catch (error) {
      if (!isAway) log.warn({ error: errorSummary(error) }, 'the audit could not be written: it waits');
      isAway = true;
    }
  };

  return {
    noteUse: counts.note,
    reportUse: reported.report,
    list: createListAudit({ db }),
    exportChain: (environment: string, tenantId: string | null) =>
      exportChain(db, { environment, tenantId: tenantId ?? '' }),
    ...verification,
    ...forget,
    chainEntries,
    checkpoint: createCheckpoint({ db, auditKey, clock }),
    flushUses: counts.flush,

    /** How long the oldest entry waits for its place in its chain. */
    async lagSeconds(): Promise<number> {
      const [oldest] = await db.query<{ time: Date }>('audit_lag', OLDEST_PENDING, []);
      return oldest ? Math.max(0, (clock.now().getTime() - oldest.time.getTime()) / 1000) : 0;
    },

    /** For every beat. Never rejects. */
    tick: (): Promise<void> =>
      quietly(async () => {
        await reported.resolve();
        await counts.tick();
        await chainEntries();
      }),

    /** Writes what was counted, and gives what waits its place. Never rejects. */
    stop: (): Promise<void> =>
      quietly(async () => {
        await reported.resolve();
        await counts.flush();
        await chainEntries();
      }),
  };
};

export type Audit = ReturnType<typeof createAudit>;
