import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Writable } from 'node:stream';
import { appId } from '@authpipe/types';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Router } from 'express';
import request from 'supertest';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../src/access/api-key-store.js';
import { connectionNotFound } from '../src/credentials/connection-store.js';
import type { DeploymentState } from '../src/deployment/deployment.js';
import { Problem } from '../src/errors/problem.js';
import { createApp } from '../src/http/app.js';
import { openEventStream } from '../src/http/event-stream.js';
import { defineRoute, type Route, type StreamRoute } from '../src/http/route.js';
import { requireTenant, requireWholeProduct, visibleTo } from '../src/http/tenant-limit.js';
import { createLogger } from '../src/log/logger.js';
import { createMetrics } from '../src/metrics/create-metrics.js';
import { systemRandomness } from '../src/randomness.js';

const PLANTED = 'planted-secret-value';

let logged = '';
const log = createLogger(
  'debug',
  new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  }),
);
afterEach(() => {
  logged = '';
});

const keys: Record<string, ApiKeyIdentity> = {
  reader: { id: 'key_1', environment: 'test', scopes: ['connections:read'], tenantId: null },
  admin: { id: 'key_2', environment: 'test', scopes: ['admin'], tenantId: null },
  limited: { id: 'key_3', environment: 'test', scopes: ['connections:read', 'admin'], tenantId: 'org_a' },
};

let runsOnce = 0;
const RUNNING = { deploymentId: 'dep_1', refresh: 'running', reason: null, detail: null } as const;
let refreshState: DeploymentState = RUNNING;

const echoBody = z.strictObject({
  tenantId: appId,
  nested: z.strictObject({ 'a/b': z.int() }).optional(),
});

const routes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/reads',
    scope: 'connections:read',
    summary: 'Read by POST',
    isRead: true,
    body: z.union([
      z.strictObject({ id: z.string() }),
      z.strictObject({ provider: appId, tenantId: appId, userId: appId }),
    ]),
    handle: async ({ body }) => ({ body }),
  }),
  defineRoute({
    method: 'post',
    path: '/wishes',
    scope: 'connections:read',
    summary: 'Wish, or leave it',
    body: z.strictObject({ wish: z.string().optional() }),
    handle: async ({ body }) => ({ body }),
  }),
  defineRoute({
    method: 'get',
    path: '/things',
    scope: 'connections:read',
    summary: 'Things',
    handle: async () => ({ body: { ok: true } }),
  }),
  defineRoute({
    method: 'post',
    path: '/things',
    scope: 'connections:read',
    summary: 'Make a thing',
    body: echoBody,
    handle: async ({ key, body }) => {
      requireTenant(key, body.tenantId);
      return { status: 201, body };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/fails',
    scope: 'connections:read',
    summary: 'Fails',
    handle: async () => {
      throw new Error(`the database said ${PLANTED}`);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/waits',
    scope: 'connections:read',
    summary: 'Waits',
    handle: async () => {
      throw new Problem('provider_unavailable', 'The provider does not answer.', { retryAfterSeconds: 2.2 });
    },
  }),
];

/** What a test does about a request that waits for an answer. */
let onEntered = () => {};
const waitingRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/hangs',
    scope: 'connections:read',
    summary: 'Never answers',
    handle: () => {
      onEntered();
      return new Promise(() => {});
    },
  }),
  {
    method: 'get',
    path: '/streams',
    scope: 'stream',
    scopes: ['connections:read'],
    summary: 'Never ends',
    async open({ response }) {
      openEventStream(response, () => {});
      onEntered();
    },
  } as StreamRoute,
];

const eventDelivery = () => ({ isListening: false, streams: 3 });
const metrics = createMetrics();
const sources = {
  ping: async () => {},
  countConnections: async () => [{ provider: 'okta', status: 'healthy', reason: null, count: 3 }],
  countIntegrations: async () => [{ provider: 'okta', status: 'healthy', reason: null, count: 1 }],
  readDueWork: async () => ({ refreshOverdueSeconds: 0, probeOverdueSeconds: 12.5 }),
  readAuditLag: async () => 0.25,
  isRefreshFrozen: () => refreshState.refresh === 'frozen',
  eventDelivery,
  webhookFigures: async () => ({ lagSeconds: 7.5, pending: 4, enabled: 2, paused: 1, givenUp: 0 }),
  webhookResults: () => new Map([['delivered', 9]]),
};
metrics.watch(sources, { log });

const verifyApiKey = async (presented: string): Promise<ApiKeyIdentity> => {
  const found = keys[presented];
  if (!found) throw new Problem('unauthorized', 'This API key is not accepted.');
  return found;
};

const app = createApp({
  routes: [...routes, ...waitingRoutes],
  verifyApiKey,
  verifyKnownApiKey: verifyApiKey,
  allows: (identity, scope) => identity.scopes.includes(scope) || identity.scopes.includes('admin'),
  once: async (_request, run) => {
    runsOnce += 1;
    return run();
  },
  ping: async () => {},
  isDraining: () => false,
  refreshState: () => refreshState,
  eventDelivery,
  metrics,
  monotonicMillis: () => 0,
  connectRouter: Router(),
  webFolder: '/nowhere',
  publicUrl: 'http://localhost:4600',
  version: '0.0.0',
  log,
  randomness: systemRandomness,
  trustedProxies: 0,
});

const as = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('the API', () => {
  it('refuses a request without a key, and says how to send one', async () => {
    const answer = await request(app).get('/v1/things');
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toMatchObject({ code: 'unauthorized', retryable: false, status: 401 });
    expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
  });

  it('refuses a key that lacks the scope of the route', async () => {
    const scopeless = { ...keys.reader, scopes: [] } as ApiKeyIdentity;
    keys.scopeless = scopeless;
    const answer = await request(app).get('/v1/things').set(as('scopeless'));
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('forbidden');
    expect(answer.body.detail).toContain('connections:read');
  });

  it('never lets an answer be cached', async () => {
    const answer = await request(app).get('/v1/things').set(as('reader'));
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('points at each field that is wrong, and does not repeat its value', async () => {
    const answer = await request(app)
      .post('/v1/things')
      .set(as('reader'))
      .send({ tenantId: '', nested: { 'a/b': PLANTED }, extra: PLANTED });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual(
      expect.arrayContaining([
        { pointer: '/tenantId', detail: 'must not be empty' },
        expect.objectContaining({ pointer: '/nested/a~1b' }),
        { pointer: '/extra', detail: 'is no field of this request' },
      ]),
    );
    expect(JSON.stringify(answer.body)).not.toContain(PLANTED);
  });

  it('answers broken JSON and oversized bodies with invalid_request', async () => {
    const broken = await request(app)
      .post('/v1/things')
      .set(as('reader'))
      .set('Content-Type', 'application/json')
      .send('{"tenantId":');
    expect(broken.body).toMatchObject({ code: 'invalid_request', status: 400 });
    const large = await request(app)
      .post('/v1/things')
      .set(as('reader'))
      .send({ tenantId: 'x'.repeat(300_000) });
    expect(large.body).toMatchObject({ code: 'invalid_request', status: 400 });
  });

  it('tells nothing of an unexpected failure but its request id, which leads to the log', async () => {
    const answer = await request(app).get('/v1/fails').set(as('reader'));
    expect(answer.status).toBe(500);
    expect(answer.body.code).toBe('internal_error');
    expect(JSON.stringify(answer.body)).not.toContain(PLANTED);
    expect(logged).toContain(answer.body.requestId);
  });

  it('reads nothing of the body before it knows who calls', async () => {
    const answer = await request(app)
      .post('/v1/things')
      .set('Content-Type', 'application/json')
      .send(`{"broken": "${'x'.repeat(300_000)}`);
    expect(answer.status).toBe(401);
  });

  it.each([
    ['U+0000', 'org\0'],
    ['half of a surrogate pair, which would be stored as any other half', 'org\ud800'],
  ])('refuses %s, wherever it is', async (_what, text) => {
    const things = request(app).post('/v1/things').set(as('reader'));
    expect((await things.send({ tenantId: text })).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/tenantId' }],
    });
    const named = request(app).post('/v1/reads').set(as('reader'));
    expect((await named.send({ id: text })).body.errors).toEqual([
      { pointer: '/id', detail: 'must not hold U+0000 or half of a surrogate pair' },
    ]);
  });

  it('tells a caller who gave several fields about these, whatever else the body could have been', async () => {
    const reads = request(app).post('/v1/reads').set(as('reader'));
    const { body } = await reads.send({ provider: '', userId: 'user_1' });
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/provider',
      '/tenantId',
    ]);
  });

  it('asks for JSON when another kind of body comes', async () => {
    const answer = await request(app).post('/v1/things').set(as('reader')).type('text/plain').send('hello');
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain('Content-Type: application/json');
  });

  it('takes a POST with nothing in it where nothing has to be said', async () => {
    const answer = await request(app).post('/v1/wishes').set(as('reader')).set('Content-Length', '0');
    expect([answer.status, answer.body]).toEqual([200, {}]);
  });

  it('answers a body that does not unpack with invalid_request', async () => {
    const answer = await request(app)
      .post('/v1/things')
      .set(as('reader'))
      .set('Content-Type', 'application/json')
      .set('Content-Encoding', 'gzip')
      .send('{}');
    expect(answer.body).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(logged).not.toContain('request failed');
  });

  it('keeps the answer of a POST with an Idempotency-Key, unless it only reads', async () => {
    runsOnce = 0;
    const send = (path: string, body: object) =>
      request(app).post(path).set(as('reader')).set('Idempotency-Key', 'a1').send(body);
    await send('/v1/reads', { id: 'a' });
    expect(runsOnce).toBe(0);
    await send('/v1/things', { tenantId: 'org_a' });
    expect(runsOnce).toBe(1);
  });

  it('sends Retry-After in whole seconds', async () => {
    const answer = await request(app).get('/v1/waits').set(as('reader'));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('3');
    expect(answer.body.retryable).toBe(true);
  });

  it('keeps the address, the headers and the body of a request out of the log', async () => {
    await request(app)
      .post(`/v1/things?token=${PLANTED}`)
      .set(as('reader'))
      .set('Cookie', `a=${PLANTED}`)
      .send({ tenantId: PLANTED });
    expect(logged).toContain('/v1/things');
    expect(logged).not.toContain(PLANTED);
    expect(logged).not.toContain('Bearer');
  });

  /** Asks, and hangs up while the answer is awaited. */
  const giveUp = async (path: string): Promise<void> => {
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const entered = new Promise<void>((resolve) => {
      onEntered = resolve;
    });
    const { port } = server.address() as AddressInfo;
    const asked = get({ port, host: '127.0.0.1', path, headers: as('reader') })
      .on('response', (response) => response.on('error', () => {}))
      .on('error', () => {});
    const [socket] = await connected;
    await entered;
    // Not `once` of events, which takes the reset for a failure.
    const closed = new Promise((resolve) => socket.once('close', resolve));
    asked.destroy();
    await closed;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const counted = async (status: number): Promise<number> => {
    const line = new RegExp(
      `^authpipe_http_requests_total\\{method="GET",status="${status}"\\} (\\d+)$`,
      'm',
    );
    return Number(line.exec(await metrics.registry.metrics())?.[1] ?? 0);
  };

  it('counts and logs a request whose caller gave up, with a status of its own', async () => {
    await giveUp('/v1/hangs');
    expect(await counted(499)).toBe(1);
    const line = logged.split('\n').find((each) => each.includes('/v1/hangs')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ status: 499, route: '/v1/hangs', level: 20 });
  });

  it('takes no reader who leaves a stream of events for one who gave up', async () => {
    const before = [await counted(200), await counted(499)];
    await giveUp('/v1/streams');
    expect([await counted(200), await counted(499)]).toEqual([(before[0] ?? 0) + 1, before[1]]);
  });

  it('keeps a caller’s request id only if it is harmless', async () => {
    const kept = await request(app).get('/v1/things').set(as('reader')).set('X-Request-Id', 'trace-0001');
    expect(kept.headers['x-request-id']).toBe('trace-0001');
    const replaced = await request(app).get('/v1/things').set(as('reader')).set('X-Request-Id', 'a b');
    expect(replaced.headers['x-request-id']).toMatch(/^req_/);
  });

  it('answers what is not there with not_found', async () => {
    const answer = await request(app).get('/v1/elsewhere').set(as('reader'));
    expect(answer.body).toMatchObject({
      type: 'http://localhost:4600/docs/errors/not_found',
      code: 'not_found',
      status: 404,
    });
  });

  it('holds a tenant’s key to its tenant', async () => {
    const answer = await request(app).post('/v1/things').set(as('limited')).send({ tenantId: 'org_b' });
    expect(answer.status).toBe(403);
    const own = await request(app).post('/v1/things').set(as('limited')).send({ tenantId: 'org_a' });
    expect(own.status).toBe(201);
    const limited = keys.limited as ApiKeyIdentity;
    expect(() => requireWholeProduct(limited)).toThrow('limited to one tenant');
    // In the very words of a connection that does not exist.
    expect(() => visibleTo(limited, { id: 'conn_1', tenantId: 'org_b' })).toThrow(connectionNotFound());
  });
});

describe('operations', () => {
  it('tells metrics to admin keys alone', async () => {
    expect((await request(app).get('/metrics')).status).toBe(401);
    expect((await request(app).get('/metrics').set(as('reader'))).status).toBe(403);
    expect((await request(app).get('/metrics').set(as('limited'))).status).toBe(403);
    const answer = await request(app).get('/metrics').set(as('admin'));
    expect(answer.text).toContain('authpipe_connections{provider="okta",status="healthy",reason=""} 3');
  });

  it('describes every route with its scope', async () => {
    const { body } = await request(app).get('/openapi.json');
    expect(body.paths['/v1/things'].post.description).toContain('connections:read');
    expect(body.paths['/v1/things'].post.requestBody.content['application/json'].schema.required).toContain(
      'tenantId',
    );
  });

  it('is alive and ready', async () => {
    expect((await request(app).get('/healthz')).body).toEqual({ status: 'ok' });
    const ready = await request(app).get('/readyz');
    expect(ready.status).toBe(200);
    expect(ready.body).toEqual({
      status: 'ready',
      database: 'ok',
      draining: false,
      events: { delivery: 'poll' },
      refresh: { status: 'running' },
    });
  });

  it('is ready with refresh frozen, says why and what to do, and tells alarms', async () => {
    const frozenMetric = async () =>
      /^authpipe_refresh_frozen (\d)$/m.exec((await request(app).get('/metrics').set(as('admin'))).text)?.[1];
    expect(await frozenMetric()).toBe('0');
    refreshState = { deploymentId: 'dep_1', refresh: 'frozen', reason: 'copied', detail: 'Run this.' };
    const ready = await request(app).get('/readyz');
    const alarm = await frozenMetric();
    refreshState = RUNNING;
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({
      status: 'ready',
      refresh: { status: 'frozen', reason: 'copied', detail: 'Run this.' },
    });
    expect(alarm).toBe('1');
  });
});
