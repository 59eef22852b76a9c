import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { ApiKeyIdentity } from '../src/access/api-key-store.js';
import type { Database } from '../src/db/database.js';
import { Problem } from '../src/errors/problem.js';
import { createEventFeed, type EventFeed } from '../src/events/event-feed.js';
import { createEventLog } from '../src/events/event-log.js';
import { mountRoutes } from '../src/http/mount-routes.js';
import { problemResponse } from '../src/http/problem-response.js';
import { eventRoute } from '../src/http/v1/events.js';
import { createLogger } from '../src/log/logger.js';
import { openTestDatabase } from './support/databases.js';
import { writeEvent } from './support/written-events.js';

const log = createLogger('silent');

const whole = { environment: 'test', tenantId: null };
const KEYS: Record<string, ApiKeyIdentity> = {
  reader: { id: 'key_1', ...whole, scopes: ['connections:read'] },
  cache: { id: 'key_2', ...whole, scopes: ['credentials:read'] },
  acme: { id: 'key_3', environment: 'test', tenantId: 'org_acme', scopes: ['connections:read'] },
  live: { id: 'key_4', environment: 'live', tenantId: null, scopes: ['connections:read'] },
  writer: { id: 'key_5', ...whole, scopes: ['connections:write'] },
};

let db: Database;
let feed: EventFeed;
let server: Server;
let now: number;
let revoked: Set<string>;
beforeAll(async () => {
  db = await openTestDatabase('pglite');
});
afterAll(() => db.close());
beforeEach(async () => {
  now = 0;
  revoked = new Set();
  feed = createEventFeed({
    ...{ events: createEventLog({ db }), isListening: () => false, monotonicMillis: () => now },
    ...{ sleep: async () => {}, log },
  });
  const allows = (key: ApiKeyIdentity, scope: string) => key.scopes.some((own) => own === scope);
  const verifyApiKey = async (presented: string) => {
    const key = KEYS[presented];
    if (!key || revoked.has(presented)) throw new Problem('unauthorized', 'No.');
    return key;
  };
  const app = express().use(
    '/v1',
    mountRoutes([eventRoute(feed, allows)], { verifyApiKey, allows, once: (_request, run) => run() }),
    problemResponse(log, 'http://localhost'),
  );
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

/** Opens the stream; `blocks` are what came, parted by empty lines. */
const open = async (key: string, headers: Record<string, string> = {}) => {
  const { port } = server.address() as AddressInfo;
  const request = get(`http://127.0.0.1:${port}/v1/events`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  let isOver = false;
  response
    .setEncoding('utf8')
    .on('data', (chunk: string) => {
      text += chunk;
    })
    // Told of streams that are cut.
    .on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    response.once('close', () => {
      isOver = true;
      resolve();
    });
  });
  const blocks = () => text.split('\n\n').slice(0, -1);
  return {
    response,
    blocks,
    ended,
    close: () => request.destroy(),
    /** Waits for so many blocks, or the end. */
    async until(count: number) {
      while (blocks().length < count && !isOver) await new Promise((resolve) => setTimeout(resolve, 2));
      return blocks();
    },
  };
};

const parse = (block = '') =>
  Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));

describe('GET /v1/events', () => {
  it('begins with where it stands, then tells events as JSON with their places', async () => {
    const stream = await open('reader');
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    const id = await writeEvent(db, { type: 'connection.degraded', status: 'degraded' });
    // The follower joins after `ready` was sent: it is told then.
    await stream.until(1);
    await feed.tick();
    const [ready, event] = (await stream.until(2)).map(parse);
    expect(ready).toMatchObject({ event: 'ready', data: '{"resumed":false,"heartbeatSeconds":5}' });
    expect(event?.event).toBe('connection.degraded');
    expect(JSON.parse(event?.data)).toMatchObject({ id, type: 'connection.degraded', status: 'degraded' });
    expect(event?.id).toMatch(new RegExp(`^\\d+-${id}$`));
  });

  it('resumes by Last-Event-ID', async () => {
    const first = await open('reader');
    const [ready] = (await first.until(1)).map(parse);
    first.close();
    const id = await writeEvent(db);
    const second = await open('reader', { 'last-event-id': String(ready?.id) });
    const [again, event] = (await second.until(2)).map(parse);
    expect(again?.data).toContain('"resumed":true');
    expect(event?.id).toMatch(new RegExp(`^\\d+-${id}$`));
  });

  it('takes a Last-Event-ID that is none of its own for none', async () => {
    const stream = await open('reader', { 'last-event-id': 'DROP TABLE' });
    expect((await stream.until(1))[0]).toContain('"resumed":false');
  });

  it('says with each heartbeat that nothing is missing', async () => {
    const stream = await open('reader');
    await stream.until(1);
    await feed.tick();
    expect((await stream.until(2))[1]).toBe(': heartbeat');
  });

  it.each([
    ['reader', ['a-test', 'b-test', 'product-test']],
    ['acme', ['a-test']],
    ['live', ['a-live']],
  ])('tells the key %s only what it may see', async (key, expected) => {
    const stream = await open(key);
    await stream.until(1);
    await writeEvent(db, { tenantId: 'org_acme', label: 'a-test' });
    await writeEvent(db, { tenantId: 'org_other', label: 'b-test' });
    await writeEvent(db, { tenantId: null, type: 'integration.degraded', label: 'product-test' });
    await writeEvent(db, { environment: 'live', label: 'a-live' });
    await feed.tick();
    // The heartbeat of the same tick comes last.
    while (!stream.blocks().includes(': heartbeat')) await stream.until(stream.blocks().length + 1);
    const labels = stream
      .blocks()
      .slice(1, -1)
      .map((block) => JSON.parse(parse(block).data).label);
    expect(labels).toEqual(expected);
  });

  it("keeps the app's own metadata from keys that may only read credentials", async () => {
    const [reader, cache] = [await open('reader'), await open('cache')];
    await Promise.all([reader.until(1), cache.until(1)]);
    await writeEvent(db, { metadata: { plan: 'gold' } });
    await feed.tick();
    expect((await reader.until(2))[1]).toContain('gold');
    expect((await cache.until(2))[1]).not.toContain('gold');
  });

  it('is closed to keys without a right to read', async () => {
    expect((await open('writer')).response.statusCode).toBe(403);
    expect((await open('nobody')).response.statusCode).toBe(401);
  });

  it('ends for a key that is revoked', async () => {
    const stream = await open('reader');
    await stream.until(1);
    revoked.add('reader');
    await feed.tick();
    await stream.ended;
    expect(feed.size()).toBe(0);
  });

  it('ends in order when the server stops, and forgets readers that went away', async () => {
    const [stays, goes] = [await open('reader'), await open('reader')];
    await Promise.all([stays.until(1), goes.until(1)]);
    goes.close();
    while (feed.size() > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    feed.stop();
    await stays.ended;
    expect(stays.response.complete).toBe(true);
  });

  it('cuts off a reader that does not read', async () => {
    const stream = await open('reader');
    await stream.until(1);
    stream.response.pause();
    // More than the buffers of both sockets hold.
    const metadata = { note: 'x'.repeat(400_000) };
    for (let count = 0; count < 60 && feed.size() > 0; count += 1) {
      await writeEvent(db, { metadata });
      await feed.tick();
      // The embedded database never gives the sockets a turn.
      await new Promise(setImmediate);
    }
    expect(feed.size()).toBe(0);
  });
});
