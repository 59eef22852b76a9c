import type { AuditVerification } from '@authpipe/types';
import { afterEach, beforeEach } from '@jest/globals';
import { acceptChain } from '../../src/audit/accept-chain.js';
import { openAuditKey } from '../../src/audit/audit-key-store.js';
import { appendAudit } from '../../src/db/append-audit.js';
import type { Database } from '../../src/db/database.js';
import { systemRandomness } from '../../src/randomness.js';
import { ROOT_KEY, startAudit } from './audit-world.js';
import { type TestClock, testClock } from './world.js';

export type StartedAudit = Awaited<ReturnType<typeof startAudit>>;

export const DAY = 86_400;
export const OF_ACME = `environment = 'test' AND tenant_id = 'org_acme'`;

const TRIGGERS = 'ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_kept';

/** Faults as a test compares them: whose, which entry, and what was done. */
export const faultsOf = ({ faults }: AuditVerification) =>
  faults.map(({ tenantId, position, fault }) => [tenantId, position, fault]);

/** What a test begins with. */
export interface Begun {
  readonly db: Database;
  readonly clock: TestClock;
  readonly audit: StartedAudit;
}

/** Begins each test of a suite with a new database, and gives what is done to its chains. `begin` is told what there is. */
export const chainHands = (open: () => Promise<Database>, begin: (begun: Begun) => void) => {
  let begun: Begun | null = null;
  const now = (): Begun => {
    if (begun === null) throw new Error('No test has begun.');
    return begun;
  };
  beforeEach(async () => {
    const [db, clock] = [await open(), testClock()];
    begun = { db, clock, audit: await startAudit(db, clock) };
    begin(begun);
  });
  afterEach(() => now().db.close());

  return handsOf(now);
};

const handsOf = (now: () => Begun) => ({
  /** Entries of a tenant, or of the product, that wait for their places. */
  write: (tenantId: string | null, count = 1) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        appendAudit(now().db, {
          ...{ environment: 'test', tenantId, connectionId: `conn_${index}`, action: 'connection.deleted' },
          ...{ time: now().clock.now(), details: { revokedAtProvider: true, index } },
        }),
      ),
    ),

  /** As somebody does who owns the database, but no root key. */
  tamper: async (sql: string, values: readonly unknown[] = []) => {
    const { prisma } = now().db;
    await prisma.$executeRawUnsafe(TRIGGERS);
    await prisma.$executeRawUnsafe(sql, ...values);
  },

  /** As a person does who has looked. */
  accept: async (tenantId: string, db = now().db) => {
    const { clock } = now();
    const auditKey = await openAuditKey({ db, clock, rootKeys: [ROOT_KEY], randomness: systemRandomness });
    return acceptChain({ db, clock, auditKey }, { environment: 'test', tenantId });
  },

  /** An export of the chain. */
  lines: async (tenantId: string | null) => {
    const all: string[] = [];
    for await (const line of now().audit.exportChain('test', tenantId)) all.push(line);
    return all;
  },
});
