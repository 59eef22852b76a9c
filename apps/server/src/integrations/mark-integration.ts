import type { StatusReason } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { insertIntegrationEvent } from './integration-event.js';

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

// The lock comes first: of several who notice the same, the others find it noted. A trial that is set stays where it is.
const MARK = `WITH before AS (
    SELECT id, status, reason FROM integrations WHERE id = $1 AND version = $2 FOR UPDATE
  ), marked AS (
    UPDATE integrations i SET status = $3::text, reason = $4::text, updated_at = $6::timestamptz,
      retry_at = CASE WHEN before.status = $3::text THEN i.retry_at ELSE $5::timestamptz END
    FROM before WHERE i.id = before.id
      AND (before.status <> $3::text OR before.reason IS DISTINCT FROM $4::text)
    RETURNING i.*
  ), told AS (${insertIntegrationEvent({
    id: '$7',
    type: `CASE WHEN i.status = 'healthy' THEN 'integration.recovered' ELSE 'integration.degraded' END`,
    time: '$6::timestamptz',
    from: 'marked i',
  })})
  SELECT EXISTS (SELECT 1 FROM before) AS "isCurrent", EXISTS (SELECT 1 FROM marked) AS "isNews"`;

/**
 * Notes how the client of an integration, as it was at a version, does at the provider, and tells each change of its
 * status or reason in one event, however many connections run into it. The version stays: it counts changes of settings.
 */
export const createMarkIntegration =
  ({ db, randomness }: { readonly db: Database; readonly randomness: Randomness }) =>
  async (
    { rowId, version }: { readonly rowId: string; readonly version: number },
    mark: IntegrationMark,
    now: Date,
  ): Promise<MarkOutcome> => {
    const retryAt = mark.status === 'degraded' ? mark.retryAt : null;
    const [row] = await db.query<{ isCurrent: boolean; isNews: boolean }>('integration_mark', MARK, [
      ...[rowId, version, mark.status, mark.reason, retryAt, now],
      newId('evt', randomness),
    ]);
    if (!row?.isCurrent) return 'outdated';
    return row.isNews ? 'changed' : 'unchanged';
  };
