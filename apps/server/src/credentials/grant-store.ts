import type { ConnectionAccount, ConnectionKind, ConnectionOwner, Metadata } from '@authpipe/types';
import type { Clock } from '../clock.js';
import { auditContent, insertAudit } from '../db/append-audit.js';
import { insertConnectionEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { type ConnectionStore, connectionNotFound } from './connection-store.js';
import { type ConnectionRecord, type CredentialSecrets, canBeRenewed } from './credential-record.js';
import { credentialPlace } from './credential-row.js';
import { nextProbeAt } from './probe-schedule.js';
import { expiringNoticeAt, refreshDueAt } from './refresh-schedule.js';
import { type SqlValues, sqlValues } from './sql-values.js';
import { type ChangedRow, stateChangeSql } from './state-change.js';
import { type FindProvider, methodOf } from './to-wire.js';

/** What makes a connection unique. */
export interface ConnectionKey {
  readonly environment: string;
  readonly integrationId: string;
  readonly tenantId: string;
  readonly owner: ConnectionOwner;
  /** `null` when the tenant itself owns the connection. */
  readonly userId: string | null;
  readonly label: string;
}

/** A credential that a person just gave, or an app brought. */
export interface NewGrant {
  readonly key: ConnectionKey;
  /** Mends this connection, which has to exist; its key stays as it is. */
  readonly connectionId?: string | undefined;
  readonly integrationRowId: string | null;
  readonly provider: string;
  readonly authMethod: string;
  readonly kind: ConnectionKind;
  readonly secrets: CredentialSecrets;
  readonly tokenType: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly refreshExpiresAt: Date | null;
  readonly account: ConnectionAccount | null;
  readonly requestedScopes: readonly string[];
  readonly scopes: readonly string[];
  readonly config: Record<string, string>;
  /** Replaces the app's metadata; what was there stays, when left out. */
  readonly metadata?: Metadata | undefined;
  /** What proved that it works (`connect`, `userinfo`); `null`: nothing did, and it is `unverified`. */
  readonly verifiedBy: string | null;
}

/** Outcome of `saveGrant`. */
export interface SavedGrant {
  readonly connection: ConnectionRecord;
  readonly created: boolean;
}

/** What the audit says of a grant, beside who brought it. */
const auditedGrant = ({ key, provider, authMethod, kind, verifiedBy }: NewGrant) => ({
  ...{ integration: key.integrationId, provider, authMethod, kind, verifiedBy },
  ...{ owner: key.owner, userId: key.userId, label: key.label },
});

/** Writes of others that a save gives way to before it gives up. Each means that somebody else made progress. */
const MAX_ATTEMPTS = 8;

interface Place {
  readonly id: string;
  readonly version: number;
  readonly isNew: boolean;
}

/** When a person has to come again: a refresh token's end, or a key's. An access token's alone says nothing of that. */
const knownEnd = ({ secrets, expiresAt, refreshExpiresAt }: NewGrant): Date | null =>
  'accessToken' in secrets ? refreshExpiresAt : expiresAt;

/** The store that makes, mends and replaces connections. */
export const createGrantStore = ({
  db,
  vault,
  clock,
  randomness,
  connections,
  findProvider,
  probeIntervalSeconds,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly connections: ConnectionStore;
  readonly findProvider: FindProvider;
  readonly probeIntervalSeconds: number;
}) => {
  const locate = async ({ key, connectionId }: NewGrant): Promise<Place> => {
    const [found] = await (connectionId === undefined
      ? db.query<{ id: string; version: number }>(
          'grant_place_by_key',
          `SELECT c.id, k.version FROM connections c JOIN credentials k ON k.connection_id = c.id
           WHERE c.environment = $1 AND c.tenant_id = $2 AND c.integration_id = $3 AND c.owner = $4
             AND c.user_id = $5 AND c.label = $6`,
          [key.environment, key.tenantId, key.integrationId, key.owner, key.userId ?? '', key.label],
        )
      : db.query<{ id: string; version: number }>(
          'grant_place_by_id',
          `SELECT c.id, k.version FROM connections c JOIN credentials k ON k.connection_id = c.id
           WHERE c.id = $1 AND c.environment = $2 AND c.tenant_id = $3`,
          [connectionId, key.environment, key.tenantId],
        ));
    if (found) return { ...found, isNew: false };
    if (connectionId !== undefined) throw connectionNotFound();
    return { id: newId('conn', randomness), version: 0, isNew: true };
  };

  const firstProbeAt = (
    { kind, provider, authMethod, secrets, verifiedBy }: NewGrant,
    now: Date,
  ): Date | null => {
    const method = methodOf(findProvider(provider), authMethod);
    if (!method || method.probes.length === 0) return null;
    // A token that is issued says nothing of what its user may do, and a key that nobody tried says nothing at all.
    if ('accessToken' in secrets || verifiedBy === null) return now;
    return nextProbeAt({ kind, now, intervalSeconds: probeIntervalSeconds, fraction: randomness.fraction() });
  };

  const refreshBehaviour = ({ provider, authMethod }: NewGrant) => {
    const method = methodOf(findProvider(provider), authMethod);
    if (method?.kind !== 'oauth2') return {};
    const { idleLifetimeSeconds, refreshInvalidatesAccessToken } = method.refreshToken;
    return { idleLifetimeSeconds, refreshInvalidatesAccessToken };
  };

  /** A key may be years old when it comes here. */
  const givenAt = ({ secrets, issuedAt }: NewGrant): Date | null =>
    'accessToken' in secrets ? issuedAt : null;

  /** Columns of `credentials` that a grant decides, each with its placeholder. */
  const credentialColumns = (
    grant: NewGrant,
    { bind }: SqlValues,
    { version, envelope, now }: { version: number; envelope: Uint8Array; now: Date },
  ): [column: string, value: string][] => [
    ['version', bind(version, 'int')],
    ['envelope', bind(envelope, 'bytea')],
    ['token_type', bind(grant.tokenType, 'text')],
    ['issued_at', bind(grant.issuedAt, 'timestamptz')],
    ['expires_at', bind(grant.expiresAt, 'timestamptz')],
    ['refresh_expires_at', bind(grant.refreshExpiresAt, 'timestamptz')],
    [
      'refresh_at',
      bind(
        'accessToken' in grant.secrets
          ? refreshDueAt({
              issuedAt: grant.issuedAt,
              expiresAt: grant.expiresAt,
              hasRefreshToken: canBeRenewed(grant.secrets),
              fraction: randomness.fraction(),
              ...refreshBehaviour(grant),
            })
          : null,
        'timestamptz',
      ),
    ],
    ['expiring_at', bind(expiringNoticeAt(givenAt(grant), knownEnd(grant)), 'timestamptz')],
    ['probe_at', bind(firstProbeAt(grant, now), 'timestamptz')],
  ];

  /** Columns of `connections` that a grant decides, beside status and metadata. */
  const connectionColumns = (grant: NewGrant, { bind }: SqlValues, now: Date): [string, string][] => [
    ['integration_row_id', bind(grant.integrationRowId, 'text')],
    ['provider', bind(grant.provider, 'text')],
    ['auth_method', bind(grant.authMethod, 'text')],
    ['kind', bind(grant.kind, 'text')],
    ['reconnect_by', bind(knownEnd(grant), 'timestamptz')],
    ['account', bind(grant.account, 'jsonb')],
    ['requested_scopes', bind([...grant.requestedScopes], 'text[]')],
    ['scopes', bind([...grant.scopes], 'text[]')],
    // A person has just granted them: what was lost before is no loss any more.
    ['lost_scopes', `'{}'`],
    ['config', bind(grant.config, 'jsonb')],
    ['verified_at', bind(grant.verifiedBy === null ? null : now, 'timestamptz')],
    ['verified_by', bind(grant.verifiedBy, 'text')],
  ];

  const insert = async (grant: NewGrant, id: string, envelope: Uint8Array, now: Date): Promise<boolean> => {
    const sql = sqlValues();
    const { bind } = sql;
    const { key } = grant;
    const at = bind(now, 'timestamptz');
    const connection: [string, string][] = [
      ['id', bind(id, 'text')],
      ['environment', bind(key.environment, 'text')],
      ['integration_id', bind(key.integrationId, 'text')],
      ['tenant_id', bind(key.tenantId, 'text')],
      ['owner', bind(key.owner, 'text')],
      ['user_id', bind(key.userId ?? '', 'text')],
      ['label', bind(key.label, 'text')],
      ['status', bind(grant.verifiedBy === null ? 'unverified' : 'healthy', 'text')],
      ['since', at],
      ['metadata', bind(grant.metadata ?? {}, 'jsonb')],
      ['created_at', at],
      ['updated_at', at],
      ...connectionColumns(grant, sql, now),
    ];
    const credential = credentialColumns(grant, sql, { version: 1, envelope, now });
    const told = await db.query(
      'grant_insert',
      `WITH made AS (
         INSERT INTO connections (${connection.map(([column]) => column).join(', ')})
         VALUES (${connection.map(([, value]) => value).join(', ')})
         ON CONFLICT DO NOTHING RETURNING *
       ), sealed AS (
         INSERT INTO credentials (connection_id, environment, tenant_id, ${credential.map(([column]) => column).join(', ')})
         SELECT made.id, made.environment, made.tenant_id, ${credential.map(([, value]) => value).join(', ')} FROM made
         RETURNING connection_id, version
       ), audited AS (${insertAudit({
         environment: 'made.environment',
         tenantId: 'made.tenant_id',
         connectionId: 'made.id',
         action: "'connection.created'",
         time: at,
         content: bind(auditContent(auditedGrant(grant)), 'jsonb'),
         from: 'made',
       })})
       ${insertConnectionEvent({
         id: bind(newId('evt', randomness), 'text'),
         type: "'connection.created'",
         time: at,
         from: '(SELECT made.*, sealed.version FROM made JOIN sealed ON sealed.connection_id = made.id) c',
       })}
       RETURNING id`,
      sql.values,
    );
    return told.length > 0;
  };

  const replace = async (
    grant: NewGrant,
    { id, version }: Place,
    envelope: Uint8Array,
    now: Date,
  ): Promise<boolean> => {
    const sql = sqlValues();
    const { bind } = sql;
    const assign = ([column, value]: [string, string]): string => `${column} = ${value}`;
    const text = stateChangeSql(sql, {
      connections: [{ id, event: newId('evt', randomness), audit: auditContent(auditedGrant(grant)) }],
      audit: { action: 'connection.reconnected' },
      now,
      credential: [
        ...credentialColumns(grant, sql, { version: version + 1, envelope, now }).map(assign),
        // Whoever is refreshing or probing the old credential has lost: its writes no longer fit.
        'refresh_failures = 0',
        'lease_owner = NULL',
        'lease_until = NULL',
        'refresh_intent_at = NULL',
        'refresh_stopped_at = NULL',
        // Whoever connects anew is about to use it: its unused days begin anew.
        `last_used_at = ${bind(now, 'timestamptz')}`,
        'rotates = NULL',
        'probe_lease_owner = NULL',
        'probe_lease_until = NULL',
        'suspected_reason = NULL',
        'answer = NULL',
        'answered_at = NULL',
        'failing_since = NULL',
        'worked_at = NULL',
        'renewal_refused_since = NULL',
      ],
      fence: `k.version = ${bind(version, 'int')}`,
      status: bind(grant.verifiedBy === null ? 'unverified' : 'healthy', 'text'),
      reason: 'NULL::text',
      connection: [
        ...connectionColumns(grant, sql, now).map(assign),
        `metadata = coalesce(${bind(grant.metadata ?? null, 'jsonb')}, c.metadata)`,
      ],
      unchanged: 'connection.updated',
    });
    return (await db.query<ChangedRow>('grant_replace', text, sql.values)).length > 0;
  };

  return {
    /**
     * Makes a connection, mends it or replaces its credential: by `connectionId`, or by its unique key. The id stays
     * what it was, the version grows, the event is written in the same statement.
     * @throws Problem `connection_not_found` when `connectionId` names none of the tenant's
     */
    async saveGrant(grant: NewGrant): Promise<SavedGrant> {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const place = await locate(grant);
        const now = clock.now();
        const { environment, tenantId } = grant.key;
        const envelope = await vault.seal(
          credentialPlace({ id: place.id, environment, tenantId }, place.version + 1),
          JSON.stringify(grant.secrets),
        );
        const isSaved = place.isNew
          ? await insert(grant, place.id, envelope, now)
          : await replace(grant, place, envelope, now);
        if (!isSaved) continue;
        const connection = await connections.findRecord(place.id, environment);
        if (!connection) throw connectionNotFound();
        return { connection, created: place.isNew };
      }
      throw new Problem('conflict', 'The connection is being changed by others at the same time: try again.');
    },
  };
};

export type GrantStore = ReturnType<typeof createGrantStore>;
