import { addSeconds, type Clock } from '../../src/clock.js';
import type { ConnectionRecord, CredentialSecrets } from '../../src/credentials/credential-record.js';
import {
  type ClaimedCredential,
  REFRESH_LEASE_SECONDS,
  type RefreshClaim,
  type RefreshFence,
  type RefreshStore,
} from '../../src/credentials/refresh-store.js';
import type { Nodes } from '../../src/db/nodes.js';
import type { ModelDatabase, ModelRow } from './model-database.js';

/** What can be left out of the protocol, to see that it is missed. */
export interface Omissions {
  /** `saveRefreshed` writes whatever became of version and lease. */
  readonly fence?: boolean;
  /** `saveDeadGrant` believes what was read before the provider was asked. */
  readonly rereadOnInvalidGrant?: boolean;
  /** `readClaimed` hands out what was read before the claim. */
  readonly rereadAfterClaim?: boolean;
  /** `recordIntent` asks for the version alone, not whether the lease is held. */
  readonly leaseCheck?: boolean;
  /** `recordIntent` leaves no trace. */
  readonly intent?: boolean;
  /** A request leaves however old its proof is. */
  readonly lateDeparture?: boolean;
  /** A doubtful refresh token is used without a look. */
  readonly lookBeforeUse?: boolean;
  /** What the database does not take is thrown away. */
  readonly spool?: boolean;
}

const PASSING: ReadonlySet<unknown> = new Set(['provider_down', 'rate_limited']);
const ONLY_A_PROBE_MENDS: ReadonlySet<unknown> = new Set(['scope_lost', 'role_lost']);
const LEASE_FREED = { leaseOwner: null, leaseUntil: null } as const;

const connectionOf = (row: ModelRow): ConnectionRecord => ({
  id: row.id,
  environment: row.environment,
  integrationId: 'okta',
  integrationRowId: 'int_1',
  provider: 'okta',
  authMethod: 'oauth2',
  kind: 'oauth2',
  tenantId: 'org_acme',
  owner: 'user',
  userId: 'user_123',
  label: 'default',
  status: row.status,
  reason: row.reason,
  since: row.issuedAt,
  reconnectBy: row.refreshExpiresAt,
  account: null,
  requestedScopes: [],
  scopes: row.scopes,
  config: {},
  metadata: {},
  version: row.version,
  lostScopes: [],
  failedApi: null,
  verifiedAt: null,
  verifiedBy: null,
  createdAt: row.issuedAt,
  updatedAt: row.issuedAt,
});

/** Envelopes of the model are open: the secrets' JSON. */
export const sealOpenly = (secrets: CredentialSecrets): Uint8Array => Buffer.from(JSON.stringify(secrets));

/** A row as `readClaimed` and `openCredential` answer it. */
export const toModelClaimed = (row: ModelRow): ClaimedCredential => ({
  connection: connectionOf(row),
  version: row.version,
  secrets: JSON.parse(row.envelope) as CredentialSecrets,
  tokenType: row.tokenType,
  issuedAt: row.issuedAt,
  expiresAt: row.expiresAt,
  refreshExpiresAt: row.refreshExpiresAt,
  refreshAt: row.refreshAt,
  refreshFailures: row.refreshFailures,
  refreshIntentAt: row.refreshIntentAt,
  leaseUntil: row.leaseUntil,
  suspectedReason: null,
  workedAt: null,
  failingSince: null,
  renewalRefusedSince: null,
  leaseNumber: row.leaseNumber,
  rotates: row.rotates,
  lastUsedAt: null,
  expiringAt: row.expiringAt,
  integration: null,
  sealNext: sealOpenly,
});

/** How a statement is run: at once, or when a test says so. */
export type RunStatement = <Result>(name: string, statement: () => Result) => Promise<Result>;

/**
 * The refresh store in memory, with the semantics of the real one's SQL: `refresh-model-store.test.ts` holds the two side
 * by side.
 */
export const createModelStore = ({
  database,
  clock,
  nodes,
  run,
  omit = {},
}: {
  readonly database: ModelDatabase;
  readonly clock: Clock;
  readonly nodes: Pick<Nodes, 'id' | 'aliveSince'>;
  readonly run: RunStatement;
  readonly omit?: Omissions;
}): RefreshStore => {
  const { rows } = database;
  /** With `rereadAfterClaim` left out: what was read before the claim. */
  const readBefore = new Map<string, ModelRow>();

  const isFree = (row: ModelRow): boolean => database.isLeaseFree(row, clock.now(), nodes.aliveSince());
  const own = (row: ModelRow, { version, leaseNumber }: RefreshFence): boolean =>
    row.version === version && row.leaseNumber === leaseNumber && row.leaseOwner === nodes.id;

  const claim = (row: ModelRow): RefreshClaim => {
    row.leaseOwner = nodes.id;
    row.leaseUntil = addSeconds(clock.now(), REFRESH_LEASE_SECONDS);
    row.leaseNumber += 1;
    return { connectionId: row.id, environment: row.environment, leaseNumber: row.leaseNumber };
  };
  const isDue = ({ refreshAt }: ModelRow, now: Date): boolean => refreshAt !== null && refreshAt <= now;

  const lookFirst = async (): Promise<void> => {
    if (!omit.rereadAfterClaim) return;
    await run('look', () => {
      for (const row of rows.values()) readBefore.set(row.id, { ...row });
    });
  };

  const write = (row: ModelRow, { version }: RefreshFence, refreshed: Refreshed): void => {
    const keepsState = row.status === 'degraded' && ONLY_A_PROBE_MENDS.has(row.reason);
    database.change(
      row,
      {
        version: version + 1,
        envelope: Buffer.from(refreshed.envelope).toString('utf8'),
        tokenType: refreshed.tokenType,
        issuedAt: refreshed.issuedAt,
        expiresAt: refreshed.expiresAt,
        refreshExpiresAt: refreshed.refreshExpiresAt,
        refreshAt: refreshed.refreshAt,
        expiringAt: refreshed.expiringAt,
        rotates: refreshed.rotates,
        scopes: refreshed.scopes,
        refreshStoppedAt: null,
        refreshFailures: 0,
        refreshIntentAt: null,
        ...LEASE_FREED,
      },
      keepsState ? row : { status: 'healthy', reason: null },
    );
  };

  const ownRow = (fence: RefreshFence): ModelRow | null => {
    const row = rows.get(fence.connection.id);
    return row && own(row, fence) ? row : null;
  };

  return {
    async claimDueRefreshes(now, limit) {
      await lookFirst();
      return run('claim', () =>
        [...rows.values()]
          .filter((row) => isDue(row, now) && isFree(row))
          .sort((one, other) => Number(one.refreshAt) - Number(other.refreshAt))
          .slice(0, limit)
          .map(claim),
      );
    },
    async claimRefresh({ connectionId, environment }, { force }) {
      await lookFirst();
      return run('claim', () => {
        const row = rows.get(connectionId);
        if (!row || row.environment !== environment || !isFree(row)) return null;
        return force || isDue(row, clock.now()) || row.refreshStoppedAt !== null ? claim(row) : null;
      });
    },
    readClaimed: ({ connectionId, leaseNumber }) =>
      run('read', () => {
        const row = rows.get(connectionId);
        if (!row || row.leaseOwner !== nodes.id || row.leaseNumber !== leaseNumber) return null;
        const { envelope, refreshIntentAt } = readBefore.get(connectionId) ?? row;
        return toModelClaimed({ ...row, envelope, refreshIntentAt });
      }),
    refreshProgress: (connectionId) =>
      run('progress', () => {
        const row = rows.get(connectionId);
        if (!row) return null;
        const due = isDue(row, clock.now()) || row.refreshStoppedAt !== null;
        return { version: row.version, isDue: due, isLeased: !isFree(row) };
      }),
    recordIntent: (claimed) =>
      run('intent', () => {
        const now = clock.now();
        database.beat(nodes.id, now);
        const row = rows.get(claimed.connection.id);
        if (row?.version !== claimed.version) return false;
        if (!omit.leaseCheck) {
          if (!own(row, claimed) || row.leaseUntil === null || row.leaseUntil <= now) return false;
          row.leaseUntil = addSeconds(now, REFRESH_LEASE_SECONDS);
        }
        if (!omit.intent) row.refreshIntentAt = claimed.refreshIntentAt ?? now;
        if (row.refreshAt !== null && row.refreshAt > now) row.refreshAt = now;
        else row.refreshAt ??= now;
        return true;
      }),
    wakeConnectionsOf: () => Promise.reject(new Error('the model has no integrations')),
    releaseRefreshes: (claims) =>
      run('release', () => {
        for (const { connectionId, leaseNumber } of claims) {
          const row = rows.get(connectionId);
          if (row?.leaseNumber === leaseNumber && row.leaseOwner === nodes.id)
            Object.assign(row, LEASE_FREED);
        }
      }),
    extendLease: ({ connection: { id }, leaseNumber }) =>
      run('extend', () => {
        const row = rows.get(id);
        if (row?.leaseNumber !== leaseNumber || row.leaseOwner !== nodes.id) return false;
        row.leaseUntil = addSeconds(clock.now(), REFRESH_LEASE_SECONDS);
        return true;
      }),
    putOffClaim: ({ connectionId, leaseNumber }, refreshAt) =>
      run('put off', () => {
        const row = rows.get(connectionId);
        if (row?.leaseNumber !== leaseNumber || row.leaseOwner !== nodes.id) return;
        Object.assign(row, LEASE_FREED);
        if (row.refreshAt !== null && row.refreshAt < refreshAt) row.refreshAt = refreshAt;
      }),
    saveRefreshed: (fence, refreshed) =>
      run('save', () => {
        const row = omit.fence ? rows.get(fence.connection.id) : ownRow(fence);
        if (row) write(row, fence, refreshed);
        return Boolean(row);
      }),
    async saveKept(fence, refreshed) {
      const isSaved = await run('save kept', () => {
        const row = rows.get(fence.connection.id);
        if (row?.version !== fence.version || !(own(row, fence) || isFree(row))) return false;
        if (row.issuedAt > refreshed.issuedAt) return false;
        write(row, fence, refreshed);
        return true;
      });
      if (isSaved) return 'saved';
      const version = await run('progress', () => rows.get(fence.connection.id)?.version);
      return version === undefined || version > fence.version ? 'superseded' : 'held';
    },
    saveRefreshFailure: (fence, { refreshAt, reason, forgetIntent, isAttempt }) =>
      run('save failure', () => {
        const row = ownRow(fence);
        if (!row) return false;
        const keepsState =
          reason === null ||
          row.status === 'needs_reconnect' ||
          (row.status === 'degraded' && row.reason !== null && PASSING.has(reason));
        database.change(
          row,
          {
            refreshAt: row.status === 'needs_reconnect' ? null : refreshAt,
            refreshFailures: row.refreshFailures + (isAttempt ? 1 : 0),
            refreshIntentAt: forgetIntent ? null : row.refreshIntentAt,
            ...LEASE_FREED,
          },
          keepsState ? row : { status: 'degraded', reason },
        );
        return true;
      }),
    saveDeadGrant: (fence, reason) =>
      run('save dead', () => {
        const row = omit.rereadOnInvalidGrant ? rows.get(fence.connection.id) : ownRow(fence);
        if (!row) return false;
        database.change(
          row,
          {
            refreshAt: null,
            refreshStoppedAt: null,
            refreshIntentAt: reason === 'rotation_lost' ? row.refreshIntentAt : null,
            ...LEASE_FREED,
          },
          { status: 'needs_reconnect', reason: row.status === 'needs_reconnect' ? row.reason : reason },
        );
        return true;
      }),
    stopRefreshing: (fence) =>
      run('stop', () => {
        const row = ownRow(fence);
        if (row) Object.assign(row, { refreshAt: null, refreshStoppedAt: clock.now(), ...LEASE_FREED });
        return row !== null;
      }),
  };
};

type Refreshed = Parameters<RefreshStore['saveRefreshed']>[1];
