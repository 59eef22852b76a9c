import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { TokenRequestError } from '../src/oauth/token-request-error.js';
import type { ProvenanceOf } from '../src/refresh/judge-token.js';
import { describeEachEngine } from './support/databases.js';
import { holdRefresh, type Standstill } from './support/held-refresh.js';
import { oktaMethod } from './support/okta.js';
import { shakenDatabase } from './support/shaken-database.js';
import {
  ENVIRONMENT,
  eventsOf,
  orgAnswers,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;
const ENDED_SECONDS = 3700;
/** Past the lease and the org's grace. */
const PAST_GRACE_SECONDS = 35;

/** After two graces and a little, `active` says that a token was never used. */
const CERTAIN_SECONDS = 40;

describeEachEngine('a refresh token that may be used up, or another’s', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const stateOf = async (id: string) => {
    const { status, reason, version } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason, version };
  };
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  /** Time in which the servers beat as they do. */
  const pass = async (seconds: number, by: TestNode = node) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.move(1);
      await by.nodes.beat();
    }
  };
  const counters = () => {
    const { refreshRequests, introspections, familyRevocations } = org.control.counters();
    return { refreshRequests, introspections, familyRevocations };
  };
  const startAs = (provenance: ReturnType<ProvenanceOf>) =>
    startNode({ db, clock, provenanceOf: () => provenance });

  /** A process that got the leave to send and was never heard of again until the grace was over. */
  const dieHolding = async (where: Standstill) => {
    const held = holdRefresh(where);
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    clock.move(DUE_SECONDS);
    await pass(5);
    const flight = sweep(dying);
    await held.stands;
    await pass(PAST_GRACE_SECONDS);
    return { dying, held, flight };
  };
  /** Waits for the spool of the one that died, and no longer. */
  const loseRotation = async () => {
    const dead = await dieHolding('after_answer');
    for (let look = 0; look < 8; look += 1) {
      await sweep();
      await pass(5);
    }
    return dead;
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is asked about first, past the grace, and used where it is good: the request had never left', async () => {
    const { read } = await connect();
    await dieHolding('before_sending');
    clock.move(CERTAIN_SECONDS);
    expect(await sweep()).toBe(1);
    expect(counters()).toEqual({ refreshRequests: 1, introspections: 1, familyRevocations: 0 });
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
  });

  it('is as good as new when it was never used: an answer that is lost then is asked for again at once', async () => {
    const { id, read } = await connect();
    await dieHolding('before_sending');
    clock.move(CERTAIN_SECONDS);
    org.control.failNext({ kind: 'drop_answer' });
    await sweep();
    expect(await stateOf(id)).toMatchObject({ version: 1 });
    clock.move(3);
    await sweep();
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(counters()).toMatchObject({ refreshRequests: 2, familyRevocations: 0 });
  });

  it('is not trusted just past the grace, while a late start of that grace may keep it good', async () => {
    const { id, read } = await connect();
    const slow = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: (target, renewal, options) =>
          oauth.renew(target, renewal, {
            ...options,
            leave: async () => {
              const depart = await options?.leave?.();
              clock.move(1);
              return depart ?? (() => undefined);
            },
          }),
        introspect: async (...given) => {
          const told = await oauth.introspect(...given);
          clock.move(2);
          return told;
        },
      }),
    });
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'drop_answer' });
    await sweep(slow);
    clock.move(29);
    await sweep(slow);
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
    await pass(65, slow);
    await sweep(slow);
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'rotation_lost' });
    expect(await read()).toMatchObject({ version: 1 });
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it('is not sent when it is used up: its successor is waited for, then the rotation is named as lost', async () => {
    const { id, read } = await connect();
    await dieHolding('after_answer');
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'healthy', reason: null });
    await pass(20);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'healthy', reason: null });
    await pass(10);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'rotation_lost', version: 1 });
    expect(await read()).toMatchObject({ version: 1, reason: 'rotation_lost' });
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.needs_reconnect']);
  });

  it('is waited for from its own start by a process that could not have seen who held its successor', async () => {
    const { id } = await connect();
    await dieHolding('after_answer');
    await pass(60);
    const fresh = await startNode({ db, clock });
    await sweep(fresh);
    expect(await stateOf(id)).toMatchObject({ status: 'healthy', reason: null });
    await pass(59, fresh);
    await sweep(fresh);
    expect(await stateOf(id)).toMatchObject({ status: 'healthy', reason: null });
    await pass(6, fresh);
    await sweep(fresh);
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'rotation_lost' });
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it('is forgotten when its successor comes inside that time', async () => {
    const { read } = await connect();
    const { held, flight } = await dieHolding('after_answer');
    await sweep();
    held.release();
    await flight;
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it('is forgotten when its successor comes even later: the connection is back, and is probed again', async () => {
    const { id, read } = await connect();
    const { held, flight } = await loseRotation();
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'rotation_lost' });
    held.release();
    await flight;
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    expect(await node.health.sweepDueProbes(clock.now())).toBe(1);
    clock.move(DUE_SECONDS);
    await sweep();
    expect(await read()).toMatchObject({ version: 3, status: 'healthy' });
    expect(counters().familyRevocations).toBe(0);
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.needs_reconnect',
      'credential.refreshed',
      'connection.recovered',
      'credential.refreshed',
    ]);
  });

  it('is not sent either when somebody asks about a lost one: its successor could still come back', async () => {
    const { id, read } = await connect();
    const { held, flight } = await loseRotation();
    await node.health.checkConnection(id, ENVIRONMENT);
    await expect(node.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'needs_reconnect',
      details: { reason: 'rotation_lost' },
    });
    expect(counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
    held.release();
    await flight;
    expect(await orgAnswers(org, await read())).toBe(200);
  });

  it('is neither used nor given up while the provider can not be asked about it', async () => {
    const { id, read } = await connect();
    await dieHolding('before_sending');
    org.control.failNext({ kind: 'server_error', path: '/oauth2/v1/introspect' });
    await sweep();
    expect(counters().refreshRequests).toBe(0);
    expect(await stateOf(id)).toMatchObject({ status: 'healthy', version: 1 });
    clock.move(30);
    await sweep();
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(counters()).toEqual({ refreshRequests: 1, introspections: 2, familyRevocations: 0 });
  });

  const troubleOf = (status: number) => oktaMethod.readTokenError({ status, headers: {}, body: null });
  /** A process whose first request a gateway passes on, and answers by itself. */
  const behindGateway = (status: number) => {
    let isBroken = true;
    return startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => {
          const answer = await oauth.renew(...given);
          if (!isBroken) return answer;
          isBroken = false;
          throw new TokenRequestError(troubleOf(status), status);
        },
      }),
    });
  };

  it.each([500, 502, 503, 504, 520, 524])(
    'may be used up after a %i, whose server may have done the work: asked again in the grace, never blindly after it',
    async (status) => {
      const [inGrace, late] = [await connect(), await connect()];
      const node = await behindGateway(status);
      clock.move(DUE_SECONDS);
      await node.refresh.refreshConnection(inGrace.id, ENVIRONMENT).catch(() => undefined);
      const other = await behindGateway(status);
      await other.refresh.refreshConnection(late.id, ENVIRONMENT).catch(() => undefined);
      clock.move(10);
      await node.refresh.refreshConnection(inGrace.id, ENVIRONMENT);
      expect(await inGrace.read()).toMatchObject({ version: 2, status: 'healthy' });
      expect(counters()).toMatchObject({ refreshRequests: 3, introspections: 0 });
      clock.move(PAST_GRACE_SECONDS);
      await sweep(other);
      expect(counters()).toEqual({ refreshRequests: 3, introspections: 1, familyRevocations: 0 });
    },
  );

  it.each<[what: string, said: [retryAfterSeconds: number | null, saysWhy: boolean]]>([
    ['an OAuth error', [null, true]],
    ['when to come back', [1, false]],
  ])('is as good as before after a 503 that says %s: nothing was done', async (_what, said) => {
    const { read } = await connect();
    const refused = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (_target, _renewal, options) => {
          (await options?.leave?.())?.();
          throw new TokenRequestError(troubleOf(503), 503, ...said);
        },
      }),
    });
    clock.move(DUE_SECONDS);
    await sweep(refused);
    clock.move(PAST_GRACE_SECONDS);
    await sweep();
    expect(counters()).toEqual({ refreshRequests: 1, introspections: 0, familyRevocations: 0 });
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it.each([
    [401, { error: 'invalid_client' }],
    [400, { error: 'unauthorized_client' }],
    [403, null],
    [404, null],
    [405, null],
  ])(
    'is used after the wait where the provider refuses to be asked (%i), and no integration is blamed',
    async (status, body) => {
      const { id, read } = await connect();
      await dieHolding('before_sending');
      const refused = await startNode({
        db,
        clock,
        withOAuth: (oauth) => ({
          ...oauth,
          introspect: async () => {
            const verdict = oktaMethod.readTokenError({ status, headers: {}, body });
            throw new TokenRequestError(verdict, status);
          },
        }),
      });
      await sweep(refused);
      expect(counters().refreshRequests).toBe(0);
      await pass(61, refused);
      await sweep(refused);
      expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
      expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
      const place = { environment: ENVIRONMENT, tenantId: null, integration: 'okta' };
      expect(await node.integrations.resolveIntegration(place)).toMatchObject({ status: 'healthy' });
    },
  );

  it('is asked about before its first use where a restored backup is its only proof', async () => {
    const { read } = await connect();
    const unproven = await startAs('unproven');
    clock.move(DUE_SECONDS);
    await sweep(unproven);
    expect(counters()).toEqual({ refreshRequests: 1, introspections: 1, familyRevocations: 0 });
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('is never sent where a restored backup holds an older one than the org', async () => {
    const { id } = await connect();
    const backup = await db.query<Record<string, unknown>>(
      'test_backup',
      'SELECT envelope, version, issued_at, expires_at, refresh_at FROM credentials WHERE connection_id = $1',
      [id],
    );
    clock.move(DUE_SECONDS);
    await sweep();
    clock.move(PAST_GRACE_SECONDS);
    const [{ envelope, version, issued_at, expires_at, refresh_at } = {}] = backup;
    await db.query(
      'test_restore',
      `UPDATE credentials SET envelope = $2, version = $3, issued_at = $4, expires_at = $5, refresh_at = $6
       WHERE connection_id = $1`,
      [id, envelope, version, issued_at, expires_at, refresh_at],
    );
    org.control.resetCounters();
    await sweep(await startAs('unproven'));
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'rotation_lost' });
    expect(counters()).toEqual({ refreshRequests: 0, introspections: 1, familyRevocations: 0 });
  });

  it('is never used where it is another deployment’s: the access token is served to its end', async () => {
    const { id, read } = await connect();
    const copy = await startAs('foreign');
    clock.move(DUE_SECONDS);
    await sweep(copy);
    expect(await read(copy)).toMatchObject({ version: 1, status: 'healthy' });
    await expect(copy.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    await expect(read(copy)).rejects.toMatchObject({
      code: 'needs_reconnect',
      details: { connectionId: id, reason: 'deployment_copied' },
    });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.needs_reconnect']);
    expect(counters()).toEqual({ refreshRequests: 0, introspections: 0, familyRevocations: 0 });
  });

  it('is another’s to the sweep too: the end is noticed though nobody reads', async () => {
    const { id } = await connect();
    const copy = await startAs('foreign');
    clock.move(DUE_SECONDS);
    await sweep(copy);
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    expect(await sweep(copy)).toBe(1);
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'deployment_copied' });
  });

  it('is used by nobody while refresh is frozen: no sweep, no reader, no caller', async () => {
    const { id, read } = await connect();
    const shaken = shakenDatabase(db);
    const frozen = await startNode({ db: shaken, clock, isFrozen: () => true });
    clock.move(DUE_SECONDS);
    expect(await sweep(frozen)).toBe(0);
    expect(await read(frozen)).toMatchObject({ version: 1, status: 'healthy' });
    await expect(frozen.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    await expect(read(frozen)).rejects.toMatchObject({ code: 'provider_unavailable', retryable: true });
    // Nobody is waited for: it would be 12 s for nothing.
    expect(shaken.askedFor('refresh_progress')).toBe(0);
    expect(shaken.askedFor('refresh_claim') + shaken.askedFor('refresh_claim_due')).toBe(0);
    expect(counters()).toEqual({ refreshRequests: 0, introspections: 0, familyRevocations: 0 });
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null, version: 1 });
  });
});
