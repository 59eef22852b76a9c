import type { Metrics } from './create-metrics.js';

/** Reads that a client tells of: how often it served a credential from its own memory. */
export interface ToldReads {
  readonly environment: string;
  /** The only tenant that the client may speak of; `null` for all. */
  readonly tenantId: string | null;
  readonly connectionId: string;
  readonly count: number;
}

/** Whose connections are, by their ids: those that a caller who is limited to `tenantId` may not speak of are left out. */
type FindTenants = (
  ids: readonly string[],
  environment: string,
  tenantId: string | null,
) => Promise<ReadonlyMap<string, string>>;

/** Callers and connections whose reads may wait; beyond it they are not counted. */
const MAX_WAITING = 50_000;

/**
 * Counts reads that clients tell of once the audit has looked up whose connections they are: what a key may not speak of,
 * or nobody has, is not counted. Costs no statement of its own.
 */
export const createClientReads = (countReads: Metrics['countReads']) => {
  const waiting = new Map<string, number>();
  const nameOf = ({ environment, tenantId, connectionId }: Omit<ToldReads, 'count'>): string =>
    JSON.stringify([environment, tenantId, connectionId]);

  return {
    /** Takes the word of a client. */
    note({ count, ...of }: ToldReads): void {
      const name = nameOf(of);
      const sum = waiting.get(name);
      if (sum === undefined && waiting.size >= MAX_WAITING) return;
      waiting.set(name, (sum ?? 0) + count);
    },

    /** A look-up that also counts what it finds to be the client's to speak of. */
    countedBy:
      (findTenants: FindTenants): FindTenants =>
      async (ids, environment, tenantId) => {
        const tenants = await findTenants(ids, environment, tenantId);
        for (const connectionId of ids) {
          const name = nameOf({ environment, tenantId, connectionId });
          const count = waiting.get(name);
          waiting.delete(name);
          if (count !== undefined && tenants.has(connectionId)) countReads('client_cache', count);
        }
        return tenants;
      },
  };
};
