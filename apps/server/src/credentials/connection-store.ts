import type { Connection, ConnectionPage, ConnectionStatus, Metadata } from '@authpipe/types';
import type { Clock } from '../clock.js';
import { auditContent, insertAudit } from '../db/append-audit.js';
import { insertConnectionEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import {
  CONNECTION_COLUMNS,
  CONNECTION_SOURCE,
  type ConnectionRow,
  toConnectionRecord,
} from './connection-row.js';
import type { ConnectionRecord } from './credential-record.js';
import { decodeCursor, encodeCursor } from './list-cursor.js';
import { sqlValues } from './sql-values.js';
import { toConnection, type WireContext } from './to-wire.js';

/** What connections are listed by; what is left out is not looked at. */
export interface ConnectionFilter {
  readonly tenantId?: string | undefined;
  readonly userId?: string | undefined;
  readonly owner?: 'user' | 'tenant' | undefined;
  readonly integration?: string | undefined;
  readonly provider?: string | undefined;
  readonly status?: ConnectionStatus | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** How many connections of a provider are in a state, over all environments. */
export interface ConnectionCount {
  readonly provider: string;
  readonly status: string;
  readonly reason: string | null;
  readonly count: number;
}

/** Connections without their secrets. This store has no vault, and can't open one. */
export interface ConnectionStore {
  /** `null` when there is none of that id in the environment. */
  findRecord(id: string, environment: string): Promise<ConnectionRecord | null>;
  /** @throws Problem `connection_not_found` */
  getConnection(id: string, environment: string): Promise<Connection>;
  /** Newest first. @throws Problem `invalid_request` for a cursor that this server did not make */
  listConnections(
    filter: ConnectionFilter,
    page: { environment: string; cursor: string | null; limit: number },
  ): Promise<ConnectionPage>;
  /** Ids of all that a tenant has. */
  listIds(environment: string, tenantId: string): Promise<string[]>;
  /** Replaces the app's metadata; told by `connection.updated` if it differs. @throws Problem `connection_not_found` */
  updateMetadata(id: string, environment: string, metadata: Metadata): Promise<Connection>;
  /** Over all environments, for the metrics. */
  countConnections(): Promise<ConnectionCount[]>;
  /**
   * Erases the connection with its credential and secrets, and tells of it. False when it was gone already, or its
   * credential is at another version than the one given.
   */
  eraseConnection(
    id: string,
    environment: string,
    version: number,
    /** For the audit. */
    details?: { readonly revokedAtProvider: boolean },
  ): Promise<boolean>;
}

const NOT_FOUND = {
  id: 'There is no connection with this id that this API key can see: check the id and the key’s environment. It may have been deleted.',
  owner: 'There is no such connection: check tenant, user, label and environment, or let the user connect.',
};

/**
 * The one answer to what is unknown, in another environment, or another tenant's.
 * @param by what the caller named it by
 */
export const connectionNotFound = (by: keyof typeof NOT_FOUND = 'id'): Problem =>
  new Problem('connection_not_found', NOT_FOUND[by]);

/**
 * SQL: the credential of the connection `b`, which is locked. Another one may be committed while that lock is waited for,
 * and only what is locked itself is then read, and compared, anew: in the order of `stateChangeSql`, so that nobody waits
 * in a circle.
 */
const heldCredential = (strength: 'SHARE' | 'UPDATE', fence = 'true'): string =>
  `SELECT k.connection_id, k.version FROM b JOIN credentials k ON k.connection_id = b.id WHERE ${fence} FOR ${strength} OF k`;

/** Connections over the database. */
export const createConnectionStore = ({
  db,
  clock,
  randomness,
  wire,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly wire: WireContext;
}): ConnectionStore => {
  const findRecord = async (id: string, environment: string): Promise<ConnectionRecord | null> => {
    const [row] = await db.query<ConnectionRow>(
      'connection_by_id',
      `SELECT ${CONNECTION_COLUMNS} FROM ${CONNECTION_SOURCE} WHERE c.id = $1 AND c.environment = $2`,
      [id, environment],
    );
    return row ? toConnectionRecord(row) : null;
  };

  const getConnection = async (id: string, environment: string): Promise<Connection> => {
    const record = await findRecord(id, environment);
    if (!record) throw connectionNotFound();
    return toConnection(record, wire);
  };

  return {
    findRecord,
    getConnection,

    async listConnections(filter, { environment, cursor, limit }) {
      const { bind, values } = sqlValues();
      const conditions = [`c.environment = ${bind(environment)}`];
      const equal = {
        tenant_id: filter.tenantId,
        user_id: filter.userId,
        owner: filter.owner,
        integration_id: filter.integration,
        provider: filter.provider,
        status: filter.status,
      };
      const used = Object.entries(equal).filter(([, value]) => value !== undefined);
      for (const [column, value] of used) conditions.push(`c.${column} = ${bind(value)}`);
      const hasMetadata = filter.metadata !== undefined && Object.keys(filter.metadata).length > 0;
      if (hasMetadata) conditions.push(`c.metadata @> ${bind(filter.metadata, 'jsonb')}`);
      if (cursor !== null) {
        const { createdAt, id } = decodeCursor(cursor);
        conditions.push(`(c.created_at, c.id) < (${bind(createdAt, 'timestamptz')}, ${bind(id)})`);
      }
      // Letters, since Postgres cuts names at 63 characters, and would take one statement for another.
      const parts = [
        ...used.map(([column]) => column[0]),
        hasMetadata ? 'm' : '',
        cursor === null ? '' : 'c',
      ];
      const rows = await db.query<ConnectionRow>(
        `connections_${parts.join('')}`,
        `SELECT ${CONNECTION_COLUMNS} FROM ${CONNECTION_SOURCE} WHERE ${conditions.join(' AND ')}
         ORDER BY c.created_at DESC, c.id DESC LIMIT ${bind(limit + 1, 'int')}`,
        values,
      );
      const records = rows.slice(0, limit).map(toConnectionRecord);
      const last = records.at(-1);
      return {
        data: records.map((record) => toConnection(record, wire)),
        nextCursor: rows.length > limit && last ? encodeCursor(last) : null,
      };
    },

    async listIds(environment, tenantId) {
      const rows = await db.query<{ id: string }>(
        'connection_ids_of_tenant',
        'SELECT id FROM connections WHERE environment = $1 AND tenant_id = $2',
        [environment, tenantId],
      );
      return rows.map(({ id }) => id);
    },

    async updateMetadata(id, environment, metadata) {
      const now = clock.now();
      await db.query(
        'connection_metadata',
        `WITH b AS (
           SELECT id FROM connections WHERE id = $1 AND environment = $2 AND metadata <> $3::jsonb FOR UPDATE
         ), held AS (
           ${heldCredential('SHARE')}
         ), changed AS (
           UPDATE connections c SET metadata = $3::jsonb, updated_at = $4::timestamptz
           FROM held WHERE c.id = held.connection_id
           RETURNING c.*, held.version), audited AS (${insertAudit({
             environment: 'c.environment',
             tenantId: 'c.tenant_id',
             connectionId: 'c.id',
             action: "'connection.changed'",
             time: '$4::timestamptz',
             content: '$6::jsonb',
             from: 'changed c',
           })})
         ${insertConnectionEvent({ id: '$5', type: "'connection.updated'", time: '$4::timestamptz', from: 'changed c' })}`,
        [
          ...[id, environment, JSON.stringify(metadata), now, newId('evt', randomness)],
          JSON.stringify(auditContent({ changed: ['metadata'] })),
        ],
      );
      return getConnection(id, environment);
    },

    async countConnections() {
      const rows = await db.query<ConnectionCount>(
        'connection_counts',
        'SELECT provider, status, reason, count(*)::int AS count FROM connections GROUP BY provider, status, reason',
        [],
        { mayTakeLong: true },
      );
      return rows;
    },

    async eraseConnection(id, environment, version, details = { revokedAtProvider: false }) {
      const erased = await db.query(
        'connection_erase',
        `WITH b AS (
           SELECT id FROM connections WHERE id = $1 AND environment = $2 FOR UPDATE
         ), held AS (
           ${heldCredential('UPDATE', 'k.version = $5')}
         ), gone AS (
           DELETE FROM connections c USING held WHERE c.id = held.connection_id
           RETURNING c.*, held.version), audited AS (${insertAudit({
             environment: 'c.environment',
             tenantId: 'c.tenant_id',
             connectionId: 'c.id',
             action: "'connection.deleted'",
             time: '$4::timestamptz',
             content: '$6::jsonb',
             from: 'gone c',
           })})
         ${insertConnectionEvent({ id: '$3', type: "'connection.deleted'", time: '$4::timestamptz', from: 'gone c' })}
         RETURNING id`,
        [
          ...[id, environment, newId('evt', randomness), clock.now(), version],
          JSON.stringify(auditContent({ ...details })),
        ],
      );
      return erased.length > 0;
    },
  };
};
