import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import type { ApiKeyIdentity } from '../src/access/api-key-store.js';
import type { Database } from '../src/db/database.js';
import { mountRoutes } from '../src/http/mount-routes.js';
import { problemResponse } from '../src/http/problem-response.js';
import { webhookEndpointRoutes } from '../src/http/v1/webhook-endpoints.js';
import { createLogger } from '../src/log/logger.js';
import { openTestDatabase } from './support/databases.js';
import { verifyAt } from './support/webhook-receiver.js';
import { startWebhookWorld, type WebhookWorld, type WebhookWorldOptions } from './support/webhook-world.js';
import { writeEvent } from './support/written-events.js';

const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;
const KEYS: Record<string, ApiKeyIdentity> = {
  admin: { id: 'key_1', environment: 'test', tenantId: null, scopes: ['admin'] },
  live: { id: 'key_2', environment: 'live', tenantId: null, scopes: ['admin'] },
  acme: { id: 'key_3', environment: 'test', tenantId: 'org_acme', scopes: ['admin'] },
  writer: { id: 'key_4', environment: 'test', tenantId: null, scopes: ['connections:write'] },
};

const appOver = ({ endpoints, webhooks }: WebhookWorld) =>
  express().use(
    mountRoutes(webhookEndpointRoutes({ endpoints, webhooks }), {
      verifyApiKey: async (presented) => KEYS[presented] as ApiKeyIdentity,
      allows: ({ scopes }, scope) => scopes.includes(scope),
      once: (_request, run) => run(),
    }),
    problemResponse(createLogger('silent'), 'http://localhost'),
  );

let db: Database;
let world: WebhookWorld;
let app: ReturnType<typeof appOver>;
const others: WebhookWorld[] = [];
beforeEach(async () => {
  db = await openTestDatabase();
  world = await startWebhookWorld(db);
  app = appOver(world);
});
afterEach(async () => {
  await Promise.all([world, ...others.splice(0)].map((each) => each.stop()));
  await db.close();
});

const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object, key = 'admin') => {
  const sent = request(app)[method](`/webhook-endpoints${path}`).set('authorization', `Bearer ${key}`);
  return body === undefined ? sent : sent.send(body);
};
const write = (more = {}) => writeEvent(db, { time: world.clock.now(), ...more });

describe('/v1/webhook-endpoints', () => {
  it('shows the secret when it is made, and never again', async () => {
    const made = await call('post', '', { url: 'https://app.example.com/hooks', description: 'Main' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...{ id: expect.stringMatching(/^whe_/), environment: 'test', url: 'https://app.example.com/hooks' },
      ...{ description: 'Main', eventTypes: [], enabled: true, secret: expect.stringMatching(SECRET) },
    });
    const { secret, ...rest } = made.body;
    expect((await call('get', '')).body).toEqual({ data: [rest] });
    expect((await call('get', `/${rest.id}`)).body).toEqual(rest);
    const changed = await call('patch', `/${rest.id}`, { description: 'Other' });
    expect(changed.body).toEqual({ ...rest, description: 'Other' });
    expect(JSON.stringify(changed.body)).not.toContain(secret);
  });

  it('keeps the secret sealed, and out of the log', async () => {
    const { receiver, endpoint } = await world.listen();
    const rotated = (await call('post', `/${endpoint.id}/rotate-secret`, {})).body;
    receiver.react = () => (receiver.received.length === 1 ? 500 : 'lose');
    await write();
    await world.pass(30);
    const [stored] = await db.query<{ text: string }>(
      'test_stored',
      `SELECT string_agg(e::text || encode(e.secret, 'escape') || encode(e.previous_secret, 'escape'), '')
         || (SELECT string_agg(d::text, '') FROM webhook_deliveries d) AS text FROM webhook_endpoints e`,
      [],
    );
    for (const secret of [endpoint.secret, rotated.secret]) {
      const key = secret.slice('whsec_'.length);
      for (const text of [world.logText(), stored?.text]) expect(text).not.toContain(key);
    }
    expect(world.logText()).not.toContain('planted-url-secret');
    expect(world.logText()).toContain('127.0.0.1');
  });

  it('changes nothing where nothing is given, and audits no change', async () => {
    const { endpoint } = await world.listen();
    world.clock.move(1);
    const { status, body } = await call('patch', `/${endpoint.id}`, {});
    expect(status).toBe(200);
    expect(body).toEqual((await call('get', `/${endpoint.id}`)).body);
    expect(body.updatedAt).toBe(endpoint.updatedAt);
    expect(await db.prisma.auditPending.count({ where: { action: 'webhook_endpoint.changed' } })).toBe(0);
    expect((await call('patch', '/whe_none', {})).status).toBe(404);
  });

  it('changes what is given, pauses and goes on where it stopped', async () => {
    const { receiver, endpoint } = await world.listen();
    await call('patch', `/${endpoint.id}`, { enabled: false, eventTypes: ['connection.deleted'] });
    const missed = await write({ type: 'connection.deleted' });
    await write();
    await world.run();
    expect(receiver.received).toEqual([]);
    const on = await call('patch', `/${endpoint.id}`, { enabled: true });
    expect(on.body).toMatchObject({ enabled: true, eventTypes: ['connection.deleted'], disabledAt: null });
    await world.run();
    expect(receiver.received.map(({ id }) => id)).toEqual([missed]);
  });

  it('sends what failed to the new address, at once', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => 404;
    const id = await write();
    await world.pass(3_600);
    const other = await world.listen({ enabled: false });
    other.receiver.secret = endpoint.secret;
    await call('patch', `/${endpoint.id}`, { url: other.receiver.url });
    await world.run();
    expect(other.receiver.accepted).toEqual([id]);
  });

  it('sends nothing more to one that was deleted', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => 500;
    await write();
    await world.run();
    expect((await call('delete', `/${endpoint.id}`)).status).toBe(204);
    await world.pass(86_400);
    expect(receiver.received).toHaveLength(1);
    expect((await call('get', `/${endpoint.id}`)).body).toMatchObject({ code: 'not_found' });
    expect(await db.prisma.webhookDelivery.count()).toBe(0);
  });

  it('is for admins of the whole product, and of the environment', async () => {
    const { endpoint } = await world.listen();
    const paths: ['get' | 'post' | 'patch' | 'delete', string, object?][] = [
      ['get', `/${endpoint.id}`],
      ['patch', `/${endpoint.id}`, {}],
      ['delete', `/${endpoint.id}`],
      ['post', `/${endpoint.id}/rotate-secret`, {}],
      ['get', `/${endpoint.id}/deliveries`],
      ['post', `/${endpoint.id}/deliveries/evt_1/replay`],
      ['post', `/${endpoint.id}/replay`, { since: '2026-01-01T00:00:00Z' }],
    ];
    for (const [method, path, body] of paths) {
      expect([path, (await call(method, path, body, 'writer')).status]).toEqual([path, 403]);
      expect([path, (await call(method, path, body, 'acme')).status]).toEqual([path, 403]);
      expect([path, (await call(method, path, body, 'live')).status]).toEqual([path, 404]);
    }
    expect((await call('get', '', undefined, 'acme')).status).toBe(403);
    expect((await call('get', '', undefined, 'live')).body).toEqual({ data: [] });
    expect((await call('get', '')).body.data).toHaveLength(1);
  });

  it('has fifty in an environment at most', async () => {
    for (let count = 0; count < 50; count += 1) {
      expect((await call('post', '', { url: 'https://app.example.com' })).status).toBe(201);
    }
    expect((await call('post', '', { url: 'https://app.example.com' })).body.code).toBe('conflict');
    expect((await call('post', '', { url: 'https://app.example.com' }, 'live')).status).toBe(201);
  });
});

describe('the secret of a webhook endpoint', () => {
  it('signs together with the one before for a day after a change', async () => {
    const { receiver, endpoint } = await world.listen();
    const { body: rotated } = await call('post', `/${endpoint.id}/rotate-secret`, {});
    expect(rotated.secret).toMatch(SECRET);
    expect(rotated.secret).not.toBe(endpoint.secret);
    await write();
    await world.run();
    const [both] = receiver.received;
    if (!both) throw new Error('Nothing came in.');
    for (const secret of [endpoint.secret, rotated.secret]) verifyAt(world.clock.now(), secret, both);
    expect(both.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
    world.clock.move(86_400);
    expect((await call('get', `/${endpoint.id}`)).body.previousSecretUntil).toBeNull();
    receiver.secret = rotated.secret;
    await write();
    await world.run();
    const [, one] = receiver.received;
    if (!one) throw new Error('Nothing came in.');
    verifyAt(world.clock.now(), rotated.secret, one);
    expect(() => verifyAt(world.clock.now(), endpoint.secret, one)).toThrow();
    expect(receiver.forged).toEqual([]);
  });

  it('is not changed again while the one before signs, which may be the one that is deployed', async () => {
    const { receiver, endpoint } = await world.listen();
    await call('post', `/${endpoint.id}/rotate-secret`, {});
    const again = await call('post', `/${endpoint.id}/rotate-secret`);
    expect(again.body).toMatchObject({ status: 409, code: 'conflict' });
    expect(again.body.detail).toContain('until 2026-');
    await write();
    await world.run();
    expect(receiver.forged).toEqual([]);
    const forced = await call('post', `/${endpoint.id}/rotate-secret`, { previousValidForSeconds: 0 });
    expect(forced.body).toMatchObject({ previousSecretUntil: null });
    world.clock.move(86_400);
    expect((await call('post', `/${endpoint.id}/rotate-secret`)).status).toBe(200);
  });

  it('that leaked signs no longer, where that is asked for', async () => {
    const { receiver, endpoint } = await world.listen();
    const rotate = { previousValidForSeconds: 0 };
    const { body: rotated } = await call('post', `/${endpoint.id}/rotate-secret`, rotate);
    receiver.secret = rotated.secret;
    await write();
    await world.run();
    expect(receiver.received[0]?.headers['webhook-signature']).toMatch(/^v1,\S{44}$/);
    expect(receiver.forged).toEqual([]);
  });
});

describe('where webhooks may go', () => {
  const strict = async (options: WebhookWorldOptions = {}) => {
    const other = await startWebhookWorld(db, { clock: world.clock, allowLoopback: false, ...options });
    others.push(other);
    app = appOver(other);
    return other;
  };

  it.each([
    'http://app.example.com',
    'https://127.0.0.1/hooks',
    'https://[::1]/hooks',
    'https://localhost:4600/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://user:password@app.example.com/',
    'https://app.example.com/#part',
    'file:///etc/passwd',
    'nothing',
  ])('%s is refused', async (url) => {
    await strict();
    const answer = await call('post', '', { url });
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/url' }] });
    const { body: endpoint } = await call('post', '', { url: 'https://app.example.com' });
    expect((await call('patch', `/${endpoint.id}`, { url })).body.code).toBe('invalid_request');
  });

  it('a name is looked up with each connection, and a private address is not connected to', async () => {
    const { receiver } = await world.listen({ enabled: false });
    const other = await strict({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const { port } = new URL(receiver.url);
    const { body: endpoint } = await call('post', '', { url: `https://rebound.example.com:${port}/` });
    await write();
    await other.run();
    expect(receiver.received).toEqual([]);
    const { data } = await other.webhooks.listDeliveries(endpoint.id, { limit: 1 });
    expect(data).toMatchObject([{ status: 'pending', attempts: 1, lastError: 'forbidden' }]);
  });

  it('in development too, loopback over plain HTTP is all that is added', async () => {
    expect((await call('post', '', { url: 'http://localhost:4602/hooks' })).status).toBe(201);
    expect((await call('post', '', { url: 'http://10.1.2.3/' })).body.code).toBe('invalid_request');
    expect((await call('post', '', { url: 'http://app.example.com/' })).body.code).toBe('invalid_request');
  });
});
