import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { keyDefinition } from './support/key-provider.js';
import { shakenDatabase } from './support/shaken-database.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  PROBE_INTERVAL_SECONDS,
  setUpIntegration,
  startNode,
  startTestOrg,
  TENANT,
  type TestNode,
  testClock,
} from './support/world.js';

/** Past the due time of a refresh, before the token's end. */
const DUE_SECONDS = 3400;

describeEachEngine('health', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let users = 0;

  const connect = async (more: Parameters<typeof connectUser>[3] = {}) => {
    users += 1;
    const { connection } = await connectUser(node, org, clock, { userId: `user_${users}`, ...more });
    return connection.id;
  };
  const stateOf = async (id: string) => {
    const { status, reason } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason };
  };
  const sweep = (by: TestNode = node) => by.health.sweepDueProbes(clock.now());
  const check = (id: string) => node.health.checkConnection(id, ENVIRONMENT);
  const asked = () => {
    const { introspections, userinfoRequests, apiCalls, refreshRequests } = org.control.counters();
    return introspections + userinfoRequests + apiCalls + refreshRequests;
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
    org.control.restoreClientSecret();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is looked at once an interval, by one replica, and a good look tells nobody', async () => {
    const id = await connect();
    const other = await startNode({ db, clock });
    // Right after the connect: that a token was issued says nothing of what it may do.
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    for (let interval = 0; interval < 3; interval += 1) {
      clock.move(PROBE_INTERVAL_SECONDS);
      const looks = await Promise.all([sweep(), sweep(other)]);
      expect(looks[0] + looks[1]).toBe(1);
    }
    const { verifiedAt, status } = await node.connections.getConnection(id, ENVIRONMENT);
    expect({ verifiedAt, status }).toEqual({ verifiedAt: clock.now().toISOString(), status: 'healthy' });
    expect(await eventsOf(node, id)).toEqual(['connection.created']);
  });

  it('asked for 4: finds a revoked grant within the interval, by the schedule alone, and tells of it once', async () => {
    const id = await connect();
    org.control.revokeGrants({ all: true });
    clock.move(PROBE_INTERVAL_SECONDS);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.needs_reconnect']);
    const before = asked();
    clock.move(10 * PROBE_INTERVAL_SECONDS);
    await sweep();
    await node.refresh.sweepDueRefreshes(clock.now());
    expect(asked()).toBe(before);
  });

  it('asked for 4: does not take an access token that was ended for a dead grant: a refresh tells them apart', async () => {
    const id = await connect();
    org.control.endAccessTokens();
    clock.move(PROBE_INTERVAL_SECONDS);
    await sweep();
    const { status, version } = await node.connections.getConnection(id, ENVIRONMENT);
    expect({ status, version }).toEqual({ status: 'healthy', version: 2 });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
  });

  it('looks with a fresh token only: what has ended is refreshed first', async () => {
    const id = await connect();
    clock.move(DUE_SECONDS + 300);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, introspections: 1 });
  });

  it('lets a process stop while the database is away: it has nothing to hand back, or lets its lease end', async () => {
    const id = await connect();
    const shaken = shakenDatabase(db);
    const idle = await startNode({ db: shaken, clock });
    shaken.setAway(true);
    await idle.health.stop();
    expect(shaken.askedFor('probe_release')).toBe(0);

    shaken.setAway(false);
    let looked = (): void => undefined;
    const looks = new Promise<void>((resolve) => {
      looked = resolve;
    });
    const busy = await startNode({
      db: shaken,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        probe: () => {
          looked();
          return new Promise<never>(() => undefined);
        },
      }),
    });
    void busy.health.checkConnection(id, ENVIRONMENT);
    await looks;
    shaken.setAway(true);
    await busy.health.stop();
    expect(shaken.askedFor('probe_release')).toBe(1);
  });

  it('never turns a connection bad because the provider is away, whatever it answers', async () => {
    const id = await connect();
    for (const kind of ['server_error', 'rate_limit', 'drop'] as const) {
      org.control.failNext({ kind, times: 1000, path: '/' });
      clock.move(PROBE_INTERVAL_SECONDS);
      await sweep();
      await check(id);
      org.control.clearFaults();
    }
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    expect(await eventsOf(node, id)).toEqual(['connection.created']);
  });

  it('waits with a suspicion while the provider can not confirm it, and settles it later', async () => {
    const id = await connect();
    org.control.revokeGrants({ all: true });
    org.control.failNext({ kind: 'rate_limit', times: 1 });
    await check(id);
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    clock.move(31);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
  });

  it('answers a check with the connection as it is found', async () => {
    const id = await connect();
    expect(await check(id)).toMatchObject({ id, status: 'healthy' });
    org.control.revokeGrants({ all: true });
    const [first, second] = await Promise.all([check(id), check(id)]);
    expect(first).toMatchObject({ status: 'needs_reconnect', reason: 'revoked' });
    expect(second).toEqual(first);
    await expect(check('conn_none')).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it('lets a caller’s report trigger a look, which alone decides', async () => {
    const id = await connect();
    const report = () => node.health.reportConnection(id, ENVIRONMENT);
    expect(await report()).toMatchObject({ status: 'healthy' });
    org.control.revokeGrants({ all: true });
    expect(await report()).toMatchObject({ status: 'needs_reconnect' });
    const before = asked();
    expect(await report()).toMatchObject({ status: 'needs_reconnect' });
    expect(asked()).toBe(before);
  });

  it('asks nobody about a version that was replaced', async () => {
    const id = await connect();
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    const before = asked();
    expect(await node.health.reportConnection(id, ENVIRONMENT, 1)).toMatchObject({ version: 2 });
    expect(asked()).toBe(before);
    await node.health.reportConnection(id, ENVIRONMENT, 2);
    expect(asked()).toBeGreaterThan(before);
  });

  it('calls a user who was deactivated dead', async () => {
    const id = await connect({ person: 'grace@acme.test' });
    org.control.deactivateUser('grace@acme.test');
    clock.move(PROBE_INTERVAL_SECONDS);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect' });
    org.control.reactivateUser('grace@acme.test');
  });

  it('takes a refused client for the integration’s fault, and mends with the secret', async () => {
    const id = await connect();
    org.control.breakClientSecret();
    clock.move(PROBE_INTERVAL_SECONDS);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'degraded', reason: 'client_secret_invalid' });
    org.control.restoreClientSecret();
    clock.move(PROBE_INTERVAL_SECONDS);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.degraded',
      'connection.recovered',
    ]);
  });

  it('does not let a good look hide a refresh that keeps failing', async () => {
    const id = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'server_error', times: 2 });
    await node.refresh.sweepDueRefreshes(clock.now());
    clock.move(2);
    await node.refresh.sweepDueRefreshes(clock.now());
    expect(await stateOf(id)).toEqual({ status: 'degraded', reason: 'provider_down' });
    await check(id);
    expect(await stateOf(id)).toEqual({ status: 'degraded', reason: 'provider_down' });
  });

  it('is looked at at once when nothing has proved it yet', async () => {
    const id = await connect({ verifiedBy: null });
    expect(await stateOf(id)).toEqual({ status: 'unverified', reason: null });
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.updated']);
  });

  it('tries a dead grant again when somebody asks, and tells when it is back', async () => {
    const id = await connect();
    await db.query(
      'test_dead',
      `UPDATE connections SET status = 'needs_reconnect', reason = 'revoked' WHERE id = $1`,
      [id],
    );
    await db.query(
      'test_dead_k',
      'UPDATE credentials SET refresh_at = NULL, probe_at = NULL WHERE connection_id = $1',
      [id],
    );
    expect(await check(id)).toMatchObject({ status: 'healthy', reason: null });
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'credential.refreshed',
      'connection.recovered',
    ]);
    clock.move(PROBE_INTERVAL_SECONDS);
    expect(await sweep()).toBe(1);
  });
});

describeEachEngine('health of keys (hazard 6)', (open) => {
  const clock = testClock();
  const KEY = 'planted-api-key';
  let db: Database;
  let node: TestNode;
  let provider: Server;
  let other: TestNode;
  let answers: number[] = [];
  let asked: string[] = [];
  /** Where set: the next answer is decided now, and sent when it is called. */
  let hold: ((send: () => void) => void) | null = null;

  beforeAll(async () => {
    db = await open();
    provider = createServer((request, response) => {
      asked.push(`${request.headers['x-api-key']}`);
      const status = answers.shift() ?? 200;
      const send = () => response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      if (hold) hold(send);
      else send();
      hold = null;
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const host = `localhost:${(provider.address() as AddressInfo).port}`;
    node = await startNode({ db, clock, definition: keyDefinition(host) });
    other = await startNode({ db, clock, definition: keyDefinition(host) });
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    answers = [];
    asked = [];
  });
  afterAll(async () => {
    provider.close();
    await db.close();
  });

  const importKey = async () => {
    const { connection } = await node.grants.saveGrant({
      key: {
        environment: ENVIRONMENT,
        integrationId: 'keyed',
        tenantId: TENANT,
        owner: 'tenant',
        userId: null,
        label: 'default',
      },
      integrationRowId: null,
      provider: 'keyed',
      authMethod: 'api_key',
      kind: 'api_key',
      secrets: { kind: 'api_key', apiKey: KEY },
      tokenType: 'ApiKey',
      issuedAt: clock.now(),
      expiresAt: null,
      refreshExpiresAt: null,
      account: null,
      requestedScopes: [],
      scopes: [],
      config: {},
      verifiedBy: null,
    });
    return connection.id;
  };
  const stateOf = async (id: string) => {
    const { status, reason } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason };
  };
  const sweep = () => node.health.sweepDueProbes(clock.now());

  it('hazard 6: is proved at once, with the definition’s own header, and hourly from then on', async () => {
    const id = await importKey();
    await sweep();
    expect(asked).toEqual([KEY]);
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    clock.move(PROBE_INTERVAL_SECONDS);
    expect(await sweep()).toBe(0);
    clock.move(3600);
    expect(await sweep()).toBe(1);
  });

  it('hazard 6: is dead after two agreeing looks, not after one', async () => {
    const id = await importKey();
    answers = [401, 200];
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    answers = [401, 401];
    clock.move(3600);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'key_invalid' });
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.updated',
      'connection.needs_reconnect',
    ]);
  });

  it('is dead after two looks that say the same: a refusal of another kind before does not count', async () => {
    const id = await importKey();
    answers = [200];
    await sweep();
    answers = [403, 429, 401, 200];
    clock.move(3600);
    await sweep();
    clock.move(60);
    await sweep();
    expect(answers).toEqual([]);
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
  });

  it('is mended by a good look that somebody asked for', async () => {
    const id = await importKey();
    answers = [401, 401];
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect' });
    clock.move(24 * 3600);
    expect(await sweep()).toBe(0);
    expect(await node.health.checkConnection(id, ENVIRONMENT)).toMatchObject({ status: 'healthy' });
    clock.move(3600);
    expect(await sweep()).toBe(1);
  });

  it('stays dead when a good answer comes late that another replica had asked for before', async () => {
    const id = await importKey();
    await sweep();
    const held = new Promise<() => void>((resolve) => {
      hold = resolve;
    });
    const late = node.health.checkConnection(id, ENVIRONMENT);
    const send = await held;
    clock.move(5);
    answers = [401, 401];
    expect(await other.health.checkConnection(id, ENVIRONMENT)).toMatchObject({ status: 'needs_reconnect' });
    clock.move(2);
    send();
    expect(await late).toMatchObject({ status: 'needs_reconnect', reason: 'key_invalid' });
    expect(await eventsOf(node, id)).not.toContain('connection.recovered');
  });

  it('is asked about three times at once and once in 20 s, however often somebody checks it', async () => {
    const id = await importKey();
    await sweep();
    // The host's share of probes is another matter.
    clock.move(120);
    asked = [];
    for (let call = 0; call < 10; call += 1) await node.health.checkConnection(id, ENVIRONMENT);
    expect(asked).toHaveLength(3);
    clock.move(20);
    await node.health.checkConnection(id, ENVIRONMENT);
    expect(asked).toHaveLength(4);
  });

  it('is neither proved nor refuted by a provider in trouble', async () => {
    const id = await importKey();
    answers = [503, 500];
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'unverified', reason: null });
  });
});
