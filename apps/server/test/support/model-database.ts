import type { StatusReason } from '@authpipe/types';
import type { Clock } from '../../src/clock.js';
import type { Database } from '../../src/db/database.js';

/** One connection with its credential, as the tables hold it. */
export interface ModelRow {
  readonly id: string;
  readonly environment: string;
  version: number;
  envelope: string;
  tokenType: string;
  issuedAt: Date;
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  refreshAt: Date | null;
  expiringAt: Date | null;
  refreshFailures: number;
  refreshIntentAt: Date | null;
  refreshStoppedAt: Date | null;
  rotates: boolean | null;
  scopes: readonly string[];
  leaseOwner: string | null;
  leaseUntil: Date | null;
  leaseNumber: number;
  status: 'healthy' | 'degraded' | 'needs_reconnect';
  reason: StatusReason | null;
}

/** A refreshed credential, or a reconnect, that was written. */
export interface WrittenVersion {
  readonly version: number;
  readonly envelope: string;
}

/** Rows, nodes and events: what the tables of one run hold. A statement is one step, so nothing here waits. */
export interface ModelDatabase {
  readonly rows: Map<string, ModelRow>;
  /** When each node was last heard of. */
  readonly nodes: Map<string, Date>;
  /** Types of the events, in order. */
  readonly events: string[];
  readonly written: WrittenVersion[];
  /** Changes a row as one of the outcomes does, and tells of it as `stateChangeSql` does. */
  change(row: ModelRow, credential: Partial<ModelRow>, state: Pick<ModelRow, 'status' | 'reason'>): void;
  beat(id: string, now: Date): void;
  /** Whether nobody holds the lease, as `isLeaseFreeSql` says. */
  isLeaseFree(row: ModelRow, now: Date, aliveSince: Date): boolean;
}

export const createModelDatabase = (): ModelDatabase => {
  const rows = new Map<string, ModelRow>();
  const nodes = new Map<string, Date>();
  const events: string[] = [];
  const written: WrittenVersion[] = [];

  return {
    rows,
    nodes,
    events,
    written,
    change(row, credential, state) {
      const { status: was, reason: wasReason } = row;
      Object.assign(row, credential, state);
      if (credential.version !== undefined) {
        written.push({ version: row.version, envelope: row.envelope });
        events.push('credential.refreshed');
      }
      if (row.status === was && row.reason === wasReason) return;
      if (row.status === 'healthy') events.push('connection.recovered');
      else events.push(`connection.${row.status}`);
    },
    beat(id, now) {
      const before = nodes.get(id);
      if (!before || before < now) nodes.set(id, now);
    },
    isLeaseFree({ leaseOwner, leaseUntil }, now, aliveSince) {
      if (leaseUntil === null || leaseUntil <= now) return true;
      const heardAt = nodes.get(leaseOwner ?? '');
      return heardAt === undefined || heardAt <= aliveSince;
    },
  };
};

/** The database as `db/nodes` sees it: its two statements, by their names. */
export const nodeStatements = (database: ModelDatabase, clock: Clock, isAway: () => boolean): Database => {
  const query: Database['query'] = async <Row>(
    name: string,
    _sql: string,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    if (isAway()) throw new Error('the database is away');
    const [id, now, aliveSince] = values as [string, Date, Date];
    if (name === 'node_leave') {
      database.nodes.delete(id);
      return [];
    }
    let died = 0;
    for (const [other, heardAt] of [...database.nodes]) {
      if (other === id || heardAt > aliveSince) continue;
      database.nodes.delete(other);
      died += 1;
    }
    database.beat(id, now);
    return [{ databaseTime: clock.now(), died } as Row];
  };
  return { engine: 'pglite', query } as Database;
};
