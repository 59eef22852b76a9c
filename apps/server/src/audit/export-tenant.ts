import type { ConnectionPage } from '@authpipe/types';
import type { Clock } from '../clock.js';
import { appendAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { exportChain } from './export-audit.js';

export interface ExportTenantDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly listConnections: (
    filter: { readonly tenantId: string },
    page: { environment: string; cursor: string | null; limit: number },
  ) => Promise<ConnectionPage>;
  /** The tenant's own OAuth clients as the API shows them, without secrets. */
  readonly listIntegrations: (environment: string, tenantId: string) => Promise<readonly object[]>;
}

/** What a line of the export is about. */
interface Line {
  readonly kind:
    | 'tenant'
    | 'integration'
    | 'connection'
    | 'named_secret'
    | 'connect_session'
    | 'app_setup'
    | 'event'
    | 'webhook_delivery'
    | 'audit';
  readonly data: object;
}

const PAGE_LIMIT = 100;

// By name: a column that is added later does not get into an export by itself.
const SESSIONS = `SELECT id, owner, nullif(user_id, '') AS "userId", integrations, label, metadata, status, error_code AS error,
    connection_id AS "connectionId", created_at AS "createdAt", finished_at AS "finishedAt"
  FROM connect_sessions WHERE environment = $1 AND tenant_id = $2 ORDER BY created_at, id`;
const SECRETS = `SELECT s.connection_id AS "connectionId", s.name, s.version, s.created_at AS "createdAt", s.updated_at AS "updatedAt"
  FROM named_secrets s JOIN connections c ON c.id = s.connection_id
  WHERE c.environment = $1 AND c.tenant_id = $2 ORDER BY s.connection_id, s.name`;

const SETUPS = `SELECT id, integration_id AS "integration", provider, asker, given, config, scopes,
    created_at AS "createdAt", expires_at AS "expiresAt", finished_at AS "finishedAt"
  FROM app_setups WHERE environment = $1 AND tenant_id = $2 ORDER BY created_at, id`;

// Refreshes make many: page by page, behind the last one.
const EVENTS = `SELECT sequence, jsonb_build_object('id', id, 'type', type, 'time', time, 'data', payload) AS line
  FROM events WHERE environment = $1 AND tenant_id = $2 AND sequence > $3 ORDER BY sequence LIMIT ${PAGE_LIMIT}`;
const DELIVERIES = `SELECT position AS sequence, jsonb_agg(jsonb_build_object('eventId', event_id, 'endpointId', endpoint_id,
    'type', type, 'time', time, 'status', status, 'data', payload) ORDER BY endpoint_id) AS lines
  FROM webhook_deliveries WHERE payload->>'environment' = $1 AND payload->>'tenantId' = $2 AND position > $3
  GROUP BY position ORDER BY position LIMIT ${PAGE_LIMIT}`;

/** All that is kept of a tenant, but for what is secret. */
export const createExportTenant = ({
  db,
  clock,
  listConnections,
  listIntegrations,
}: ExportTenantDependencies) => {
  async function* pages<Row>(name: string, sql: string, values: readonly unknown[]) {
    for (let after = 0; ; ) {
      const page = await db.query<Row & { sequence: number }>(name, sql, [...values, after], {
        mayTakeLong: true,
      });
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE_LIMIT) return;
      after = last.sequence;
    }
  }

  async function* contents(environment: string, tenantId: string): AsyncGenerator<Line, void, undefined> {
    const values = [environment, tenantId];
    yield { kind: 'tenant', data: { environment, tenantId, time: clock.now().toISOString() } };
    for (const data of await listIntegrations(environment, tenantId)) {
      yield { kind: 'integration', data };
    }
    let cursor: string | null = null;
    do {
      const page: ConnectionPage = await listConnections(
        { tenantId },
        { environment, cursor, limit: PAGE_LIMIT },
      );
      for (const data of page.data) yield { kind: 'connection', data };
      cursor = page.nextCursor;
    } while (cursor !== null);
    for (const data of await db.query<object>('export_secrets', SECRETS, values)) {
      yield { kind: 'named_secret', data };
    }
    for (const data of await db.query<object>('export_sessions', SESSIONS, values)) {
      yield { kind: 'connect_session', data };
    }
    for (const data of await db.query<object>('export_setups', SETUPS, values)) {
      yield { kind: 'app_setup', data };
    }
    for await (const { line } of pages<{ line: object }>('export_events', EVENTS, values)) {
      yield { kind: 'event', data: line };
    }
    for await (const { lines } of pages<{ lines: object[] }>('export_deliveries', DELIVERIES, values)) {
      for (const data of lines) yield { kind: 'webhook_delivery', data };
    }
    for await (const line of exportChain(db, { environment, tenantId })) {
      yield { kind: 'audit', data: JSON.parse(line) as object };
    }
  }

  /** The lines, JSON each. That somebody asked for them is audited, and in them once that has its place. */
  return async (environment: string, tenantId: string): Promise<AsyncIterable<string>> => {
    await appendAudit(db, { environment, tenantId, action: 'tenant.exported', time: clock.now() });
    return (async function* lines() {
      for await (const line of contents(environment, tenantId)) yield JSON.stringify(line);
    })();
  };
};

export type ExportTenant = ReturnType<typeof createExportTenant>;
