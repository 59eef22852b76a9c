import type { StatusReason } from '@authpipe/types';
import { appendEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';

/** Whether the provider accepts the client. */
export type IntegrationMark =
  | { readonly status: 'healthy'; readonly reason: null }
  | {
      readonly status: 'degraded';
      readonly reason: StatusReason;
      /** When its client is tried again; until then its connections are not refreshed. */
      readonly retryAt: Date;
    };

/** What became of a mark. `outdated`: the integration was changed since, or is gone, and the mark says nothing of it. */
export type MarkOutcome = 'changed' | 'unchanged' | 'outdated';

/**
 * Notes how the client of an integration, as it was at a version, does at the provider, and tells the change to `degraded`
 * in one event, however many connections run into it. The version stays: it counts changes of settings.
 */
export const createMarkIntegration =
  ({ db, randomness }: { readonly db: Database; readonly randomness: Randomness }) =>
  async (
    { rowId: id, version }: { readonly rowId: string; readonly version: number },
    mark: IntegrationMark,
    now: Date,
  ): Promise<MarkOutcome> => {
    const { status, reason } = mark;
    const retryAt = mark.status === 'degraded' ? mark.retryAt : null;
    return db.transaction(async (tx) => {
      const { count } = await tx.integration.updateMany({
        where: { id, version, status: { not: status } },
        data: { status, reason, retryAt, updatedAt: now },
      });
      if (count === 0) {
        if ((await tx.integration.count({ where: { id, version } })) === 0) return 'outdated';
        if (status === 'degraded') {
          await tx.integration.updateMany({
            where: { id, version, reason: { not: reason } },
            data: { reason, updatedAt: now },
          });
        }
        return 'unchanged';
      }
      if (status === 'healthy') return 'changed';
      const row = await tx.integration.findUniqueOrThrow({ where: { id } });
      const head = { id: newId('evt', randomness), type: 'integration.degraded', time: now } as const;
      await appendEvent(tx, head, {
        environment: row.environment,
        connectionId: null,
        integration: row.integrationId,
        provider: row.provider,
        tenantId: row.tenantId === '' ? null : row.tenantId,
        owner: null,
        userId: null,
        label: null,
        version: null,
        status,
        reason,
        metadata: {},
      });
      return 'changed';
    });
  };
