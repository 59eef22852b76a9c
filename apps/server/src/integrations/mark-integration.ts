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

/**
 * Notes how an integration's client does at the provider, and tells the change to `degraded` in one event, however many
 * connections run into it. The version stays: it counts changes of settings. Resolves to whether the status changed.
 */
export const createMarkIntegration =
  ({ db, randomness }: { readonly db: Database; readonly randomness: Randomness }) =>
  async (rowId: string, mark: IntegrationMark, now: Date): Promise<boolean> => {
    const { status, reason } = mark;
    const retryAt = mark.status === 'degraded' ? mark.retryAt : null;
    return db.transaction(async (tx) => {
      const { count } = await tx.integration.updateMany({
        where: { id: rowId, status: { not: status } },
        data: { status, reason, retryAt, updatedAt: now },
      });
      if (status === 'healthy') return count > 0;
      if (count === 0) {
        await tx.integration.updateMany({
          where: { id: rowId, reason: { not: reason } },
          data: { reason, updatedAt: now },
        });
        return false;
      }
      const row = await tx.integration.findUniqueOrThrow({ where: { id: rowId } });
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
      return true;
    });
  };
