import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addSeconds, type Clock } from '../src/clock.js';
import {
  type ClaimedCredential,
  createRefreshStore,
  type RefreshClaim,
  type RefreshStore,
} from '../src/credentials/refresh-store.js';
import type { Database } from '../src/db/database.js';
import type { DatabaseProof } from '../src/db/database-proof.js';
import { createNodes, type Nodes } from '../src/db/nodes.js';
import { systemRandomness as randomness } from '../src/randomness.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';
import type { Vault } from '../src/vault/vault.js';
import { describeEachEngine } from './support/databases.js';
import { createModelDatabase, type ModelRow, nodeStatements } from './support/model-database.js';
import { createModelClock, MODEL_CONNECTION, MODEL_ENVIRONMENT } from './support/model-owner.js';
import { createModelStore, sealOpenly } from './support/model-store.js';
import { plantIdentity } from './support/world.js';

const SEED = 20_261_124;
const RUNS = 200;
const OWNERS = [0, 1] as const;
const PLACE = { connectionId: MODEL_CONNECTION, environment: MODEL_ENVIRONMENT };
const SECRETS = { kind: 'oauth2', accessToken: 'a', refreshToken: 'r' } as const;
const SEALED_AT = { environment: MODEL_ENVIRONMENT, tenantId: 'org_acme', record: MODEL_CONNECTION };

/** What an owner may call, some more often than others. */
const CALLS = [
  ...(['beat', 'beat', 'claim due', 'claim', 'force', 'force', 'read', 'read', 'read', 'read'] as const),
  ...([
    'progress',
    'intent',
    'intent',
    'intent anew',
    'release',
    'put off claim',
    'save',
    'save kept',
  ] as const),
  ...(['failure', 'put off', 'dead', 'lost', 'stop'] as const),
] as const;

type Operation =
  | { readonly owner: number; readonly call: (typeof CALLS)[number] }
  | { readonly seconds: number }
  | { readonly reconnect: true };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({ owner: fc.constantFrom(...OWNERS), call: fc.constantFrom(...CALLS) }),
  },
  { weight: 3, arbitrary: fc.record({ seconds: fc.constantFrom(0.5, 1, 3, 4, 5, 16, 31) }) },
  { weight: 1, arbitrary: fc.constant({ reconnect: true } as const) },
);

/** One owner on one of the two stores. It goes on with what it claimed and read last, outdated or not. */
const createCaller = (store: RefreshStore, nodes: Nodes, clock: Clock) => {
  let claim: RefreshClaim | null = null;
  let held: ClaimedCredential | null = null;

  const refreshed = (claimed: ClaimedCredential): Parameters<RefreshStore['saveRefreshed']>[1] => ({
    envelope: claimed.sealNext(SECRETS),
    tokenType: 'Bearer',
    issuedAt: clock.now(),
    expiresAt: addSeconds(clock.now(), 20),
    refreshExpiresAt: null,
    refreshAt: addSeconds(clock.now(), 15),
    expiringAt: null,
    rotates: true,
    invalidatesPrevious: false,
    scopes: ['openid'],
  });
  const fail = (claimed: ClaimedCredential, isAttempt: boolean): Promise<boolean> =>
    store.saveRefreshFailure(claimed, {
      refreshAt: addSeconds(clock.now(), 2),
      reason: isAttempt ? 'provider_down' : null,
      forgetIntent: isAttempt,
      isAttempt,
    });

  const withHeld = (call: (typeof CALLS)[number], claimed: ClaimedCredential): Promise<unknown> | null => {
    switch (call) {
      case 'intent':
        return store.recordIntent(claimed);
      case 'intent anew':
        return store.recordIntent({ ...claimed, refreshIntentAt: null });
      case 'save':
        return store.saveRefreshed(claimed, refreshed(claimed));
      case 'save kept':
        return store.saveKept(claimed, refreshed(claimed));
      case 'failure':
        return fail(claimed, true);
      case 'put off':
        return fail(claimed, false);
      case 'dead':
        return store.saveDeadGrant(claimed, 'revoked');
      case 'lost':
        return store.saveDeadGrant(claimed, 'rotation_lost');
      case 'stop':
        return store.stopRefreshing(claimed);
      default:
        return null;
    }
  };

  /** What a call answers, as far as both stores have to agree. */
  return async (call: (typeof CALLS)[number]): Promise<unknown> => {
    if (call === 'beat') return (await nodes.beat()).died;
    if (call === 'progress') return store.refreshProgress(MODEL_CONNECTION);
    if (call === 'claim due') {
      const claims = await store.claimDueRefreshes(clock.now(), 8);
      claim = claims[0] ?? claim;
      return claims;
    }
    if (call === 'claim' || call === 'force') {
      const claimed = await store.claimRefresh(PLACE, { force: call === 'force' });
      claim = claimed ?? claim;
      return claimed;
    }
    if (call === 'release') return claim && store.releaseRefreshes([claim]);
    if (call === 'put off claim') return claim && store.putOffClaim(claim, addSeconds(clock.now(), 5));
    if (call !== 'read') return held && withHeld(call, held);
    const read = claim && (await store.readClaimed(claim));
    held = read ?? held;
    if (!read) return null;
    const { sealNext: _, connection, integration: _none, ...rest } = read;
    return { ...rest, status: connection.status, reason: connection.reason };
  };
};

const firstRow = (now: Date): ModelRow => ({
  id: MODEL_CONNECTION,
  environment: MODEL_ENVIRONMENT,
  version: 1,
  envelope: Buffer.from(sealOpenly(SECRETS)).toString('utf8'),
  tokenType: 'Bearer',
  issuedAt: now,
  expiresAt: addSeconds(now, 20),
  refreshExpiresAt: null,
  refreshAt: now,
  expiringAt: null,
  refreshFailures: 0,
  refreshIntentAt: null,
  refreshStoppedAt: null,
  rotates: null,
  scopes: [],
  leaseOwner: null,
  leaseUntil: null,
  leaseNumber: 0,
  status: 'healthy',
  reason: null,
});

const PLANT = `WITH made AS (
    INSERT INTO connections (id, environment, integration_id, tenant_id, owner, user_id, label, provider, auth_method,
      kind, status, since, metadata, requested_scopes, scopes, config, created_at, updated_at)
    VALUES ($1, $2, 'okta', 'org_acme', 'user', 'user_123', 'default', 'okta', 'oauth2', 'oauth2', 'healthy', $3, '{}',
      '{}', '{}', '{}', $3, $3) RETURNING id)
  INSERT INTO credentials (connection_id, environment, tenant_id, version, envelope, token_type, issued_at, expires_at,
    refresh_at, probe_at)
  SELECT id, $2, 'org_acme', 1, $4, 'Bearer', $3, $5, $3, $3 FROM made`;
/** What a reconnect does to whoever is refreshing: `grant-store.ts` has the whole of it. */
const RECONNECT = `WITH moved AS (
    UPDATE credentials SET version = version + 1, envelope = $1, refresh_at = $2, refresh_failures = 0,
      lease_owner = NULL, lease_until = NULL, refresh_intent_at = NULL, refresh_stopped_at = NULL, rotates = NULL)
  UPDATE connections SET status = 'healthy', reason = NULL`;
const LOOK = `SELECT k.version, k.token_type AS "tokenType", k.issued_at AS "issuedAt", k.expires_at AS "expiresAt",
    k.refresh_expires_at AS "refreshExpiresAt", k.refresh_at AS "refreshAt", k.expiring_at AS "expiringAt",
    k.refresh_failures AS "refreshFailures", k.refresh_intent_at AS "refreshIntentAt",
    k.refresh_stopped_at AS "refreshStoppedAt", k.rotates, c.scopes, k.lease_owner AS "leaseOwner",
    k.lease_until AS "leaseUntil", k.lease_number AS "leaseNumber", c.status, c.reason,
    (SELECT json_object_agg(n.id, extract(epoch FROM n.beat_at)::float8) FROM nodes n) AS nodes,
    (SELECT array_agg(e.type ORDER BY e.sequence) FROM events e) AS events
  FROM connections c JOIN credentials k ON k.connection_id = c.id`;

describeEachEngine('the model of the refresh store', (open) => {
  const clock = createModelClock();
  let db: Database;
  let vault: Vault;
  let proof: () => DatabaseProof;

  beforeAll(async () => {
    db = await open();
    proof = await plantIdentity(db);
    vault = await openVault({ db, rootKeys: [rootKeyOf(Buffer.alloc(32, 7))], clock, randomness });
  });
  afterAll(() => db.close());

  const seal = (version: number) =>
    vault.seal({ ...SEALED_AT, field: 'credential', version }, JSON.stringify(SECRETS));

  const compare = async (operations: readonly Operation[]): Promise<void> => {
    const model = createModelDatabase();
    const row = firstRow(clock.now());
    model.rows.set(row.id, row);
    for (const table of ['events', 'connections', 'nodes']) {
      await db.query(`test_clear_${table}`, `DELETE FROM ${table}`, []);
    }
    const planted = [MODEL_CONNECTION, MODEL_ENVIRONMENT, clock.now(), await seal(1), row.expiresAt];
    await db.query('test_plant', PLANT, planted);
    const real = OWNERS.map((owner) => {
      const nodes = createNodes({ db, clock, id: `node_${owner}` });
      return createCaller(createRefreshStore({ db, vault, clock, randomness, nodes, proof }), nodes, clock);
    });
    const modelled = OWNERS.map((owner) => {
      const nodes = createNodes({
        db: nodeStatements(model, clock, () => false),
        clock,
        id: `node_${owner}`,
      });
      const store = createModelStore({
        database: model,
        clock,
        nodes,
        run: async (_, statement) => statement(),
      });
      return createCaller(store, nodes, clock);
    });

    for (const one of operations) {
      if ('seconds' in one) clock.move(one.seconds);
      else if ('reconnect' in one) {
        const refreshAt = addSeconds(clock.now(), 10);
        await db.query('test_reconnect', RECONNECT, [await seal(row.version + 1), refreshAt]);
        Object.assign(row, {
          ...{ version: row.version + 1, refreshAt, refreshFailures: 0, leaseOwner: null, leaseUntil: null },
          ...{
            refreshIntentAt: null,
            refreshStoppedAt: null,
            rotates: null,
            status: 'healthy',
            reason: null,
          },
        });
      } else {
        expect(await modelled[one.owner]?.(one.call)).toEqual(await real[one.owner]?.(one.call));
      }
      const { id: _, environment: _one, envelope: _two, ...state } = row;
      const nodes = Object.fromEntries([...model.nodes].map(([id, at]) => [id, at.getTime() / 1000]));
      const [found] = await db.query<Record<string, unknown>>('test_look', LOOK, []);
      expect({ ...state, nodes, events: model.events }).toEqual({
        ...found,
        nodes: found?.nodes ?? {},
        events: found?.events ?? [],
      });
    }
  };

  it('answers and writes as the real one does, whatever two owners call', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 8, maxLength: 24, size: 'max' }), compare),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
