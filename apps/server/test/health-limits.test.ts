import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createImportConnection } from '../src/connect/import-connection.js';
import { nextProbeAt } from '../src/credentials/probe-schedule.js';
import type { Database } from '../src/db/database.js';
import { createProbeLimits } from '../src/health/probe-limits.js';
import { createLogger } from '../src/log/logger.js';
import { describeEachEngine } from './support/databases.js';
import { keyDefinition } from './support/key-provider.js';
import { oktaDefinition } from './support/okta.js';
import { ENVIRONMENT, eventsOf, startNode, TENANT, type TestNode, testClock } from './support/world.js';

const DAY_SECONDS = 86_400;
const log = createLogger('silent');
const ENDPOINT = { origin: 'https://acme.okta.com', name: 'GET /api/v1/users' };
const OF_ACME = { environment: ENVIRONMENT, tenantId: TENANT };

describeEachEngine('the share of a provider’s limit', (open) => {
  const clock = testClock();
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM probe_limits', []);
  });
  afterAll(() => db.close());

  const replica = (definition = oktaDefinition, connection = OF_ACME) =>
    createProbeLimits({ db, clock, log }).leaveFor(definition, connection);

  /** Asks for as much as it can get, and tells when it was given. */
  const askAllTheTime = async (seconds: number, leaves = [replica(), replica()]) => {
    const given: number[] = [];
    for (let passed = 0; passed < seconds; passed += 1) {
      clock.move(1);
      for (const leave of leaves) {
        while ((await leave.ask(ENDPOINT)) === null) given.push(clock.now().getTime());
      }
    }
    return given;
  };
  const mostInAMinute = (given: readonly number[]) =>
    Math.max(...given.map((from) => given.filter((at) => at >= from && at < from + 60_000).length));

  it('is a twentieth at most in any window, over all replicas, and nearly that in the long run', async () => {
    const given = await askAllTheTime(300);
    expect(mostInAMinute(given)).toBeLessThanOrEqual(30);
    expect(given.length).toBeGreaterThan(5 * 30 * 0.8);
  });

  it('follows what the provider tells of its limit', async () => {
    const leave = replica();
    await leave.ask(ENDPOINT);
    leave.note(ENDPOINT, {
      status: 200,
      headers: { 'x-rate-limit-limit': '60', 'x-rate-limit-remaining': '59' },
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.move(120);
    expect(mostInAMinute(await askAllTheTime(180))).toBeLessThanOrEqual(3);
  });

  it('is nothing until the reset that a 429 names, and while callers need what is left', async () => {
    for (const [status, remaining] of [
      [429, '0'],
      [200, '40'],
    ] as const) {
      await db.query('test_clear', 'DELETE FROM probe_limits', []);
      const leave = replica();
      await leave.ask(ENDPOINT);
      const date = clock.now();
      leave.note(ENDPOINT, {
        status,
        headers: {
          'x-rate-limit-limit': '600',
          'x-rate-limit-remaining': remaining,
          'x-rate-limit-reset': String(Math.ceil(date.getTime() / 1000) + 40),
          date: date.toUTCString(),
        },
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      clock.move(35);
      const until = await replica().ask(ENDPOINT);
      expect(until?.getTime()).toBeGreaterThan(clock.now().getTime());
      clock.move(10);
      expect(await replica().ask(ENDPOINT)).toBeNull();
    }
  });

  it('is each customer’s own where the provider counts by account', async () => {
    const { limit: _, ...api } = oktaDefinition.api;
    const byAccount = {
      ...oktaDefinition,
      api: { ...api, limit: { requests: 20, perSeconds: 60, countedPer: 'account' as const } },
    };
    expect(await replica(byAccount).ask(ENDPOINT)).toBeNull();
    expect(await replica(byAccount).ask(ENDPOINT)).not.toBeNull();
    expect(await replica(byAccount, { ...OF_ACME, tenantId: 'org_other' }).ask(ENDPOINT)).toBeNull();
  });

  it('does not believe a clock that was wrong for a while', async () => {
    await replica().ask(ENDPOINT);
    await db.query('test_years', `UPDATE probe_limits SET next_slot_at = $1, closed_until = $1`, [
      new Date(clock.now().getTime() + 3_650 * DAY_SECONDS * 1000),
    ]);
    const given = await askAllTheTime(120);
    expect(mostInAMinute(given)).toBeLessThanOrEqual(30);
    expect(given.length).toBeGreaterThan(30);
  });

  it('is forgotten when nobody has asked for a day, and told of again', async () => {
    const { leaveFor, sweepLimits } = createProbeLimits({ db, clock, log });
    const leave = leaveFor(oktaDefinition, OF_ACME);
    const rows = () =>
      db.query<{ told_requests: number }>('test_rows', 'SELECT told_requests FROM probe_limits', []);
    const askAndNote = async () => {
      await leave.ask(ENDPOINT);
      leave.note(ENDPOINT, {
        status: 200,
        headers: { 'x-rate-limit-limit': '60', 'x-rate-limit-remaining': '59' },
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await askAndNote();
    clock.move(DAY_SECONDS - 60);
    await sweepLimits(clock.now());
    expect(await rows()).toEqual([{ told_requests: 60 }]);
    clock.move(180);
    await sweepLimits(clock.now());
    expect(await rows()).toEqual([]);
    await askAndNote();
    expect(await rows()).toEqual([{ told_requests: 60 }]);
  });
});

it('a look follows each refresh where the issuer can’t be asked, and comes sooner in doubt', () => {
  const now = new Date('2026-03-01T12:00:00Z');
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  const at = (more: Partial<Parameters<typeof nextProbeAt>[0]>) =>
    nextProbeAt({ kind: 'oauth2', now, intervalSeconds: 900, fraction: 0, ...more });
  expect(at({ afterRefreshAt: after(3300) })).toEqual(after(3300));
  expect(at({ afterRefreshAt: after(10) })).toEqual(after(900));
  expect(at({ afterRefreshAt: after(3300), isInDoubt: true })).toEqual(after(900));
  expect(at({ kind: 'api_key' })).toEqual(after(3600));
  expect(at({ kind: 'api_key', isInDoubt: true })).toEqual(after(900));
});

describeEachEngine('a key with a known end', (open) => {
  const clock = testClock();
  let db: Database;
  let node: TestNode;
  let other: TestNode;
  let provider: Server;
  let status = 200;
  let asked = 0;

  beforeAll(async () => {
    db = await open();
    provider = createServer((_request, response) => {
      asked += 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const definition = keyDefinition(`localhost:${(provider.address() as AddressInfo).port}`);
    node = await startNode({ db, clock, definition });
    other = await startNode({ db, clock, definition });
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    status = 200;
    asked = 0;
  });
  afterAll(async () => {
    provider.close();
    await db.close();
  });

  const importKey = async (expiresInSeconds?: number) => {
    const definition = keyDefinition(`localhost:${(provider.address() as AddressInfo).port}`);
    const importConnection = createImportConnection({
      findProvider: () => definition,
      resolveIntegration: node.integrations.resolveIntegration,
      openIntegration: node.integrations.openIntegration,
      oauth: node.oauth,
      saveGrant: node.grants.saveGrant,
      clock,
      allowLoopback: true,
    });
    const expiresAt =
      expiresInSeconds === undefined
        ? {}
        : { expiresAt: new Date(clock.now().getTime() + expiresInSeconds * 1000).toISOString() };
    const credential = { apiKey: 'planted-api-key', ...expiresAt };
    const owner = { tenantId: TENANT, owner: 'tenant' as const, label: 'default' };
    return importConnection({ provider: 'keyed', ...owner, credential }, ENVIRONMENT);
  };
  const sweep = () => Promise.all([node, other].map((one) => one.health.sweepDueProbes(clock.now())));

  it.each([
    { left: 90, told: [14, 3, 1] },
    // How old a key is that was made elsewhere, nobody knows.
    { left: 20, told: [14, 3, 1] },
    { left: 12, told: [11, 3, 1] },
    { left: 2, told: [1] },
  ])('is told $told days ahead when it has $left left, once each over replicas', async (given) => {
    const { id, reconnectBy } = await importKey(given.left * DAY_SECONDS);
    const days: number[] = [];
    for (let day = 1; day < given.left; day += 1) {
      clock.move(DAY_SECONDS);
      await Promise.all([node, other].map((one) => one.expiring.tellExpiring(clock.now())));
      const count = (await eventsOf(node, id)).filter((type) => type === 'connection.expiring').length;
      while (days.length < count) days.push(given.left - day);
    }
    expect(days).toEqual(given.told);
    const events = (await node.events.listEvents(ENVIRONMENT, 0)).map(({ event }) => event);
    const told = events.filter(
      ({ type, connectionId }) => type === 'connection.expiring' && connectionId === id,
    );
    expect(told.map(({ expiresAt }) => expiresAt)).toEqual(given.told.map(() => reconnectBy?.toISOString()));
  });

  it('is looked at when its end comes, and is dead when the provider says so', async () => {
    const { id } = await importKey(2 * DAY_SECONDS);
    await sweep();
    clock.move(2 * DAY_SECONDS - 60);
    await sweep();
    status = 401;
    clock.move(60);
    await sweep();
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({
      ...{ status: 'needs_reconnect', reason: 'key_invalid' },
    });
  });

  it('has none when it works past the end that was told', async () => {
    const { id } = await importKey(600);
    await sweep();
    clock.move(601);
    await sweep();
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({
      ...{ status: 'healthy', reconnectBy: null },
    });
  });

  it('is asked about three times at once and once in 20 s, however often a client reports it', async () => {
    const { id } = await importKey();
    await sweep();
    asked = 0;
    const report = (by: TestNode) => by.health.reportConnection(id, ENVIRONMENT);
    for (let call = 0; call < 20; call += 1) await report(call % 2 ? node : other);
    expect(asked).toBe(3);
    // What came faster is looked into when its time has come.
    status = 401;
    await report(node);
    clock.move(60);
    await sweep();
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({
      status: 'needs_reconnect',
    });
  });
});
