import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { createLogger } from '../src/log/logger.js';
import { describeEachEngine } from './support/databases.js';
import {
  CLIENT_SECRET,
  connectUser,
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

/** Past the due time (5 min ahead of an hour), before the end. */
const DUE_SECONDS = 3400;
const ENDED_SECONDS = 3700;
const LEASE_SECONDS = 16;

describeEachEngine('refresh', (open) => {
  const clock = testClock();
  const lines: string[] = [];
  const log = createLogger(
    'debug',
    new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) }),
  );
  let db: Database;
  let org: Org;
  let node: TestNode;

  /** A connection of its own for each test. */
  const connect = userConnector(() => ({ node, org, clock }));
  const stateOf = async (id: string) => {
    const { status, reason, version } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason, version };
  };
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const refreshes = () => org.control.counters().refreshRequests;
  const until = async (isTrue: () => boolean | Promise<boolean>) => {
    while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  /** A database on which one statement fails. */
  const failing = (names: readonly string[], times: number): Database => {
    let left = times;
    return {
      ...db,
      query: async <Row>(statement: string, sql: string, values: readonly unknown[]) => {
        if (names.includes(statement) && left > 0) {
          left -= 1;
          throw new Error('the database is away');
        }
        return db.query<Row>(statement, sql, values);
      },
    };
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock, log });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    org.control.setRotation('ROTATE');
    org.control.setGrace(30);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('happens ahead of the end, once, whether or not anybody reads', async () => {
    const { id, read } = await connect();
    const before = await read();
    expect(await sweep()).toBe(0);
    clock.move(DUE_SECONDS);
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    const after = await read();
    expect(after).toMatchObject({ connectionId: id, version: 2, status: 'healthy' });
    expect(after.credential).not.toBe(before.credential);
    expect(await orgAnswers(org, after)).toBe(200);
    expect(refreshes()).toBe(1);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
  });

  it('goes on for as long as the refresh token lives, rotated or kept', async () => {
    const { read } = await connect();
    for (let hour = 0; hour < 4; hour += 1) {
      org.control.setRotation(hour % 2 === 0 ? 'ROTATE' : 'STATIC');
      clock.move(DUE_SECONDS);
      await sweep();
    }
    expect(await read()).toMatchObject({ version: 5, status: 'healthy' });
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('keeps the old refresh token when the answer brings none', async () => {
    const { id, read } = await connect();
    org.control.setRotation('STATIC');
    const silent = await startNode({
      db,
      clock,
      log,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => ({ ...(await oauth.renew(...given)), refreshToken: null }),
      }),
    });
    for (const version of [2, 3]) {
      clock.move(DUE_SECONDS);
      await sweep(silent);
      expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null, version });
    }
    expect(await orgAnswers(org, await read())).toBe(200);
  });

  it('is made once, however many replicas and readers are at it', async () => {
    const other = await startNode({ db, clock, log });
    const all = [await connect(), await connect(), await connect()];
    clock.move(ENDED_SECONDS);
    org.control.resetCounters();
    const work = [node, other].flatMap((by) => [
      sweep(by),
      ...all.flatMap(({ read }) => Array.from({ length: 5 }, () => read(by))),
    ]);
    await Promise.all(work);
    expect(refreshes()).toBe(all.length);
    expect(org.control.counters().familyRevocations).toBe(0);
    for (const { read } of all) expect(await orgAnswers(org, await read(other))).toBe(200);
  });

  it('runs behind a reader whose token is due but works', async () => {
    const { id, read } = await connect();
    const { credential } = await read();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'hang' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => read()));
    expect(answers.every((answer) => answer.credential === credential)).toBe(true);
    await until(() => org.control.hungCount() === 1);
    expect((await read()).credential).toBe(credential);
    org.control.releaseHung();
    await until(async () => (await stateOf(id)).version === 2);
    expect(refreshes()).toBe(1);
  });

  it('is waited for by a reader whose token has ended', async () => {
    const { read } = await connect();
    clock.move(ENDED_SECONDS);
    const answers = await Promise.all(Array.from({ length: 10 }, () => read()));
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([2]));
    expect(refreshes()).toBe(1);
  });

  it('hazard 1: a slow holder that lost its lease can not write over the winner', async () => {
    const { id, read } = await connect();
    const other = await startNode({ db, clock, log });
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'hang' });
    const slow = sweep();
    await until(() => org.control.hungCount() === 1);
    expect(await sweep(other)).toBe(0);
    clock.move(LEASE_SECONDS);
    expect(await sweep(other)).toBe(1);
    const winner = await read();
    org.control.releaseHung();
    await slow;
    expect(await read()).toEqual(winner);
    expect((await eventsOf(node, id)).filter((type) => type === 'credential.refreshed')).toHaveLength(1);
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('hazard 2, asked for 3: an answer that was lost on the way is asked for again inside the grace', async () => {
    const { read } = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'drop_answer' });
    await sweep();
    clock.move(2);
    await sweep();
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    clock.move(DUE_SECONDS);
    await sweep();
    expect(await read()).toMatchObject({ version: 3, status: 'healthy' });
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('hazard 2: what a process could not write before it died, the next owner asks for again', async () => {
    const { read } = await connect();
    const dying = await startNode({
      db: failing(['refresh_saved', 'refresh_kept_saved'], 1_000),
      clock,
      log,
    });
    clock.move(DUE_SECONDS);
    await sweep(dying);
    expect(await sweep()).toBe(0);
    clock.move(LEASE_SECONDS);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('writes a token that it holds as soon as the database is back', async () => {
    const { read } = await connect();
    const shaken = await startNode({ db: failing(['refresh_saved', 'refresh_kept_saved'], 2), clock, log });
    clock.move(DUE_SECONDS);
    await sweep(shaken);
    expect(await read()).toMatchObject({ version: 2 });
    expect(refreshes()).toBe(1);
  });

  it('names a rotation that nobody can save, and serves the living token to its end', async () => {
    const { id, read } = await connect();
    const { credential } = await read();
    clock.move(DUE_SECONDS);
    await node.nodes.beat();
    org.control.failNext({ kind: 'drop_answer' });
    await sweep();
    for (let second = 0; second < 60; second += 1) {
      clock.move(1);
      await node.nodes.beat();
    }
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'rotation_lost', version: 1 });
    expect(await read()).toMatchObject({ credential, status: 'needs_reconnect', reason: 'rotation_lost' });
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    await expect(read()).rejects.toMatchObject({
      code: 'needs_reconnect',
      details: { connectionId: id, reason: 'rotation_lost' },
    });
  });

  it('hazard 3: a reconnect during a refresh is not written over', async () => {
    const { id, userId, read } = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'hang' });
    const slow = sweep();
    await until(() => org.control.hungCount() === 1);
    await connectUser(node, org, clock, { userId });
    const fresh = await read();
    expect(fresh.version).toBe(2);
    org.control.releaseHung();
    await slow;
    expect(await read()).toEqual(fresh);
    expect(await orgAnswers(org, fresh)).toBe(200);
    expect(await stateOf(id)).toMatchObject({ status: 'healthy' });
  });

  it('hazard 3: a grant that died while the person connected anew does not mark the new one', async () => {
    const { id, userId } = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'hang' });
    const slow = sweep();
    await until(() => org.control.hungCount() === 1);
    org.control.revokeGrants({ all: true });
    await connectUser(node, org, clock, { userId });
    org.control.releaseHung();
    await slow;
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null, version: 2 });
  });

  it('hazard 4: an ended token without a refresh token is never served, and is noticed by itself', async () => {
    const { id, userId, read } = await connect();
    const stored = await node.credentials.openCredential(id, ENVIRONMENT);
    if (stored?.secrets.kind !== 'oauth2') throw new Error('no token');
    await connectUser(node, org, clock, { userId, secrets: { ...stored.secrets, refreshToken: null } });
    clock.move(DUE_SECONDS);
    expect(await sweep()).toBe(0);
    expect((await read()).refreshAfter).toBeNull();
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    await expect(read()).rejects.toMatchObject({ code: 'needs_reconnect' });
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'refresh_token_missing' });
    expect(refreshes()).toBe(0);
  });

  it('hazard 5: a token whose end nobody told is refreshed at once, and has an end then', async () => {
    const { read } = await connect({ expiresAt: null });
    expect((await read()).expiresAt).toBeNull();
    await until(async () => (await read()).version === 2);
    expect((await read()).expiresAt).not.toBeNull();
  });

  it('hazard 7: a lease that somebody holds does not stall the read of a living token', async () => {
    const other = await startNode({ db, clock, log });
    const { id, read } = await connect();
    clock.move(DUE_SECONDS);
    await other.refreshes.claimRefresh({ connectionId: id, environment: ENVIRONMENT }, { force: true });
    expect(await read()).toMatchObject({ version: 1, status: 'healthy' });
    expect(refreshes()).toBe(0);
  });

  it('asked for 1: never refreshes by itself because the wait for another ran out', async () => {
    const other = await startNode({ db, clock, log });
    const { id, read } = await connect();
    clock.move(ENDED_SECONDS);
    await other.refreshes.claimRefresh({ connectionId: id, environment: ENVIRONMENT }, { force: true });
    await expect(read()).rejects.toMatchObject({ code: 'provider_unavailable', retryable: true });
    expect(refreshes()).toBe(0);
  });

  it('hazard 8: a revoked grant is told once, refused with its reason, and never asked for again', async () => {
    const { id, read } = await connect();
    org.control.revokeGrants({ all: true });
    clock.move(DUE_SECONDS);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'revoked', version: 1 });
    await expect(read()).rejects.toMatchObject({
      code: 'needs_reconnect',
      details: { connectionId: id, reason: 'revoked' },
    });
    const asked = refreshes();
    for (let hour = 0; hour < 24; hour += 1) {
      clock.move(3600);
      await sweep();
      await read().catch(() => undefined);
    }
    expect(refreshes()).toBe(asked);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.needs_reconnect']);
  });

  it('is mended by the person who connects again', async () => {
    const { id, userId, read } = await connect();
    org.control.revokeGrants({ all: true });
    clock.move(DUE_SECONDS);
    await sweep();
    await connectUser(node, org, clock, { userId });
    expect(await read()).toMatchObject({ connectionId: id, status: 'healthy', reason: null, version: 2 });
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.needs_reconnect',
      'connection.recovered',
    ]);
  });

  it('notices the end of the 90 days by itself, asking once', async () => {
    const { id, read } = await connect();
    const { reconnectBy } = await node.connections.getConnection(id, ENVIRONMENT);
    expect(new Date(reconnectBy ?? 0).getTime() - clock.now().getTime()).toBe(90 * 86_400_000);
    clock.move(89 * 86_400);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'healthy' });
    expect((await node.connections.getConnection(id, ENVIRONMENT)).reconnectBy).toBe(reconnectBy);
    clock.move(86_400 + 60);
    org.control.resetCounters();
    await sweep();
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'needs_reconnect', reason: 'refresh_token_expired' });
    expect(refreshes()).toBe(1);
    await expect(read()).rejects.toMatchObject({ code: 'needs_reconnect' });
  });

  it('takes a refused client for the integration’s fault, asks slowly, and mends by itself', async () => {
    const { id, read } = await connect();
    org.control.breakClientSecret();
    clock.move(DUE_SECONDS);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'client_secret_invalid' });
    expect(await read()).toMatchObject({ status: 'degraded', version: 1 });
    for (let second = 0; second < 200; second += 20) {
      clock.move(20);
      await sweep();
    }
    expect(refreshes()).toBe(1);
    org.control.restoreClientSecret();
    clock.move(120);
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null, version: 2 });
    const told = (await node.events.listEvents(ENVIRONMENT, 0)).map(({ event }) => event.type);
    expect(told.filter((type) => type === 'integration.degraded')).toHaveLength(1);
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.degraded',
      'credential.refreshed',
      'connection.recovered',
    ]);
  });

  it('takes 429 for passing trouble though it says invalid_grant, and tells of it once it repeats', async () => {
    const { id, read } = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'rate_limit', times: 4 });
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'healthy' });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const stored = await node.credentials.openCredential(id, ENVIRONMENT);
      const wait = ((stored?.refreshAt?.getTime() ?? 0) - clock.now().getTime()) / 1000;
      expect(wait).toBeGreaterThan(0);
      clock.move(wait);
      await sweep();
    }
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'rate_limited' });
    expect(await read()).toMatchObject({ status: 'degraded' });
    const events = await eventsOf(node, id);
    expect(events).toEqual(['connection.created', 'connection.degraded']);
  });

  it('asked for 5: serves a living token through an outage, an ended one never, and recovers by itself', async () => {
    const { id, read } = await connect();
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'server_error', times: 1000 });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await sweep();
      expect(await read()).toMatchObject({ version: 1 });
      clock.move(30);
    }
    clock.move(ENDED_SECONDS - DUE_SECONDS);
    await expect(read()).rejects.toMatchObject({
      code: 'provider_unavailable',
      details: { connectionId: id, retryAfterSeconds: expect.any(Number) },
    });
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'provider_down' });
    org.control.clearFaults();
    clock.move(600);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'connection.degraded',
      'credential.refreshed',
      'connection.recovered',
    ]);
  });

  it('is made now for a caller who asks, and says why not', async () => {
    const { id } = await connect();
    expect(await node.refresh.refreshConnection(id, ENVIRONMENT)).toMatchObject({ version: 2 });
    org.control.failNext({ kind: 'server_error' });
    await expect(node.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
    org.control.revokeGrants({ all: true });
    await expect(node.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'needs_reconnect',
    });
    await expect(node.refresh.refreshConnection('conn_none', ENVIRONMENT)).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('is not made for a validity that the token has, nor for one that no new token would have', async () => {
    const { id } = await connect();
    const ask = (minValiditySeconds: number) =>
      node.refresh.refreshConnection(id, ENVIRONMENT, { minValiditySeconds });
    expect(await ask(3000)).toMatchObject({ version: 1 });
    for (let call = 0; call < 3; call += 1) {
      await expect(ask(7200)).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('at most 3540'),
        details: { errors: [{ pointer: '/minValiditySeconds', detail: expect.any(String) }] },
      });
      clock.move(30);
    }
    expect(refreshes()).toBe(0);
    // A minute and a half old, it is renewed for who asks for nearly all of a token's life; a new one is not.
    expect(await ask(3540)).toMatchObject({ version: 2 });
    clock.move(30);
    expect(await ask(3540)).toMatchObject({ version: 2 });
    await expect(ask(3590)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(refreshes()).toBe(1);
  });

  it('is made for an imported token whose whole life nobody knows, once', async () => {
    const { id } = await connect();
    await db.query(
      'test_import',
      `WITH imported AS (UPDATE connections SET status = 'unverified' WHERE id = $1 RETURNING id)
       UPDATE credentials SET expires_at = issued_at + interval '5 minutes' WHERE connection_id = (SELECT id FROM imported)`,
      [id],
    );
    const ask = () => node.refresh.refreshConnection(id, ENVIRONMENT, { minValiditySeconds: 7200 });
    expect(await ask()).toMatchObject({ version: 2, status: 'healthy' });
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining('live for 3600 s') });
    expect(refreshes()).toBe(1);
  });

  it('hands back what it has not begun when the process stops', async () => {
    const { id } = await connect();
    const stopping = await startNode({ db, clock, log });
    clock.move(DUE_SECONDS);
    await stopping.refresh.stop();
    expect(await sweep(stopping)).toBe(0);
    expect(await sweep()).toBe(1);
    expect(await stateOf(id)).toMatchObject({ version: 2 });
  });

  it('leaves no secret in logs, events or errors', async () => {
    const { id, read } = await connect();
    const { credential } = await read();
    const stored = await node.credentials.openCredential(id, ENVIRONMENT);
    if (stored?.secrets.kind !== 'oauth2') throw new Error('no token');
    org.control.revokeGrants({ all: true });
    clock.move(DUE_SECONDS);
    await sweep();
    const error = await read().catch((thrown: unknown) => thrown);
    const events = await node.events.listEvents(ENVIRONMENT, 0);
    const everything = [
      ...lines,
      JSON.stringify(events, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
      JSON.stringify(error),
      String(error),
    ].join('\n');
    for (const secret of [credential, stored.secrets.refreshToken ?? '', CLIENT_SECRET]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(everything.includes(secret)).toBe(false);
    }
  });
});
