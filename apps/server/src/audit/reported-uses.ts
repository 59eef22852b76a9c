import type { Actor } from '../actor.js';
import type { UseCounts } from './use-counts.js';

/** A client's word on one connection: how often it served the credential from its own memory. */
export interface ReportedUse {
  readonly actor: Actor;
  readonly environment: string;
  /** The only tenant that the client may speak of; `null` for all. */
  readonly tenantId: string | null;
  readonly connectionId: string;
  readonly count: number;
}

/** Whose connections are, by their ids: those of others than `tenantId` are left out. */
export type FindTenants = (
  ids: readonly string[],
  environment: string,
  tenantId: string | null,
) => Promise<ReadonlyMap<string, string>>;

/** Reports that may wait for the next beat. */
const MAX_WAITING = 50_000;

/**
 * Takes reports in memory, and looks up with the next beat whose they are: the call that brings one waits for nothing.
 * `onUse` is told of those that the client may speak of, and how often they were used.
 */
export const createReportedUses = (
  counts: Pick<UseCounts, 'note'>,
  findTenants: FindTenants,
  onUse: (connectionId: string, count: number) => void = () => undefined,
) => {
  let waiting: ReportedUse[] = [];

  return {
    /** Takes a report. What is not the client's to speak of is left out later, without a word. */
    report(use: ReportedUse): void {
      if (waiting.length < MAX_WAITING) waiting.push(use);
    },

    /** Counts what was reported. @throws when the database is away: it waits */
    async resolve(): Promise<void> {
      if (waiting.length === 0) return;
      const taken = waiting;
      waiting = [];
      const groups = new Map<string, ReportedUse[]>();
      for (const use of taken) {
        const name = JSON.stringify([use.environment, use.tenantId]);
        const others = groups.get(name);
        if (others) others.push(use);
        else groups.set(name, [use]);
      }
      let failure: unknown = null;
      for (const uses of groups.values()) {
        const [first] = uses;
        if (!first) continue;
        const ids = [...new Set(uses.map(({ connectionId }) => connectionId))];
        const tenants = await findTenants(ids, first.environment, first.tenantId).catch((error: unknown) => {
          failure = error;
          waiting.push(...uses.slice(0, MAX_WAITING - waiting.length));
          return null;
        });
        if (tenants === null) continue;
        for (const { actor, environment, connectionId, count } of uses) {
          const tenantId = tenants.get(connectionId);
          if (tenantId === undefined) continue;
          onUse(connectionId, count);
          counts.note({ actor, environment, tenantId, connectionId, count, action: 'credential.used' });
        }
      }
      if (failure !== null) throw failure;
    },
  };
};
