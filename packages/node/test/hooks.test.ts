import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeHooks, type AuthpipeOptions, type CredentialRef } from '../src/index.js';
import { event } from './event-stream-connection.js';
import { API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { aMoment, until } from './until.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;
let notes: [name: string, note: object][];

const names = () => notes.map(([name]) => name);

/** Writes down all that any hook is told. */
const everyHook = (): AuthpipeHooks =>
  Object.fromEntries(
    ['hit', 'miss', 'stale', 'refresh', 'evict', 'error'].map((name) => [
      name,
      (note: object) => notes.push([name, note]),
    ]),
  );

const connect = (options: Partial<AuthpipeOptions> = {}) =>
  new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, hooks: everyHook(), ...options });

beforeEach(async () => {
  server = await HttpServer.start();
  server.answer = () => ({ json: credential({ credential: 'secret-token' }) });
  clock = new ManualClock();
  notes = [];
  client = connect({ stream: false });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

describe('hooks', () => {
  it('are told of misses and hits', async () => {
    await client.getCredential(REF);
    await client.getCredential(REF);
    client.getCredentialSync(REF);
    client.getCredentialSync({ connectionId: 'conn_9' });
    const hit = { ref: REF, connectionId: 'conn_1', version: 1 };
    expect(notes).toEqual([
      ['miss', { ref: REF }],
      ['hit', hit],
      ['hit', hit],
      ['miss', { ref: { connectionId: 'conn_9' } }],
    ]);
  });

  it('are told of a stale read, and of the newer credential that it brought', async () => {
    await client.getCredential(REF);
    clock.advanceSeconds(55);
    server.answer = () => ({ json: credential({ version: 2 }) });
    await client.getCredential(REF);
    await until(() => names().includes('refresh'));
    expect(notes.slice(1)).toEqual([
      ['stale', { ref: REF, connectionId: 'conn_1', version: 1 }],
      ['refresh', { connectionId: 'conn_1', version: 2, previousVersion: 1 }],
    ]);
  });

  it('are told of an error, even where the read was answered', async () => {
    await client.getCredential(REF);
    clock.advanceSeconds(61);
    server.answer = () => problem(503, 'provider_unavailable');
    await client.getCredential(REF);
    expect(notes.at(-1)).toEqual([
      'error',
      { operation: 'credential', ref: REF, error: expect.objectContaining({ code: 'provider_unavailable' }) },
    ]);
  });

  it('are told of an outage once, and again when it comes back', async () => {
    const told = () =>
      notes
        .filter(([name]) => name === 'error')
        .map(([, note]) => (note as { error: { code: string } }).error.code);
    await client.getCredential(REF);
    server.answer = () => 'cut';
    for (let time = 0; time < 10; time += 1) {
      clock.advanceSeconds(61);
      await client.getCredential(REF);
      await client.getCredential({ connectionId: `conn_${time}` }).catch(() => undefined);
      await aMoment();
    }
    expect(told()).toEqual(['server_unreachable']);

    server.answer = () => ({ json: credential({ connectionId: 'conn_8' }) });
    clock.advanceSeconds(61);
    await client.getCredential({ connectionId: 'conn_8' });
    server.answer = () => 'cut';
    await client.getCredential({ connectionId: 'conn_9' }).catch(() => undefined);
    expect(told()).toEqual(['server_unreachable', 'server_unreachable']);
  });

  it('are told of each credential in trouble, once until there is one or the reason changes', async () => {
    const told = () =>
      notes
        .filter(([name]) => name === 'error')
        .map(([, note]) => {
          const { error, ref } = note as { error: { code: string }; ref: { connectionId: string } };
          return `${ref.connectionId} ${error.code}`;
        });
    const read = (connectionId: string) => client.getCredential({ connectionId }).catch(() => undefined);
    server.answer = () => problem(409, 'needs_reconnect', { reason: 'revoked' });
    for (const id of ['conn_1', 'conn_2', 'conn_1', 'conn_2']) await read(id);
    expect(told()).toEqual(['conn_1 needs_reconnect', 'conn_2 needs_reconnect']);

    server.answer = () => problem(404, 'connection_not_found');
    await read('conn_2');
    server.answer = () => ({ json: credential({ expiresAt: null, refreshAfter: null }) });
    await read('conn_1');
    client.close();
    client = connect({ stream: false });
    await read('conn_1');
    clock.advanceSeconds(61);
    server.answer = () => problem(409, 'needs_reconnect', { reason: 'revoked' });
    await read('conn_1');
    expect(told().slice(2)).toEqual(['conn_2 connection_not_found', 'conn_1 needs_reconnect']);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['refreshConnection', () => client.refreshConnection('conn_1')],
    ['reportConnection', () => client.reportConnection('conn_1', { status: 401 })],
    ['minValidity', () => client.getCredential(REF, { minValidity: 3_000 })],
  ])('are told of the newer credential that %s brought', async (_name, act) => {
    const ending = credential({ expiresAt: '2026-01-01T00:30:00.000Z' });
    let refreshed = false;
    server.answer = ({ method }) => {
      if (method === 'POST') refreshed = true;
      return { json: refreshed ? credential({ version: 2 }) : ending };
    };
    await client.getCredential(REF);
    await act();
    await client.getCredential(REF);
    expect(notes.filter(([name]) => name === 'refresh')).toEqual([
      ['refresh', { connectionId: 'conn_1', version: 2, previousVersion: 1 }],
    ]);
  });

  it('are told of a miss without waiting', () => {
    expect(client.getCredentialSync(REF)).toBeUndefined();
    expect(notes).toEqual([['miss', { ref: REF }]]);
  });

  it('are told why a credential went', async () => {
    const reasons = () =>
      notes.filter(([name]) => name === 'evict').map(([, note]) => (note as { reason: string }).reason);
    await client.getCredential(REF);
    clock.advanceSeconds(3_600);
    client.getCredentialSync(REF);
    expect(reasons()).toEqual(['expired']);

    server.answer = () => ({ json: credential({ expiresAt: null, refreshAfter: null }) });
    await client.getCredential(REF);
    server.answer = () => ({ json: { id: 'conn_1', revokedAtProvider: true } });
    await client.deleteConnection('conn_1');
    expect(reasons()).toEqual(['expired', 'call']);

    server.answer = () => ({ json: credential({ expiresAt: null, refreshAfter: null }) });
    await client.getCredential(REF);
    clock.advanceSeconds(61);
    server.answer = () => problem(409, 'needs_reconnect', { reason: 'revoked' });
    await client.getCredential(REF).catch(() => undefined);
    expect(reasons()).toEqual(['expired', 'call', 'refused']);

    server.answer = () => ({ json: credential({ expiresAt: null, refreshAfter: null }) });
    await client.getCredential(REF);
    client.close();
    expect(reasons()).toEqual(['expired', 'call', 'refused', 'closed']);
  });

  it('are told of what had to go for others, and what an event evicted', async () => {
    client = connect({ maxEntries: 1 });
    server.answerStream = () => 'stream';
    server.answer = ({ query }) => ({ json: credential({ connectionId: query.get('connectionId') ?? '' }) });
    await client.getCredential({ connectionId: 'conn_1' });
    await client.getCredential({ connectionId: 'conn_2' });
    const stream = await server.streamOpened();
    stream.send(event('connection.deleted', { connectionId: 'conn_2' }));
    await until(() => client.toJSON().cachedCredentials === 0);
    expect(notes.filter(([name]) => name === 'evict').map(([, note]) => note)).toEqual([
      { connectionId: 'conn_1', version: 1, reason: 'max_entries' },
      { connectionId: 'conn_2', version: 1, reason: 'event' },
    ]);
  });

  it('are told no secret', async () => {
    await client.getCredential(REF);
    await client.getCredential(REF);
    clock.advanceSeconds(55);
    server.answer = () => ({ json: credential({ credential: 'secret-token', version: 2 }) });
    await client.getCredential(REF);
    await until(() => names().includes('refresh'));
    server.answer = () => problem(401, 'unauthorized');
    await client.getCredential({ connectionId: 'conn_2' }).catch(() => undefined);
    expect(new Set(names())).toEqual(new Set(['miss', 'hit', 'stale', 'refresh', 'error', 'evict']));
    const told = JSON.stringify(
      notes.map(([, note]) => ({ ...note, stack: (note as { error?: Error }).error?.stack })),
    );
    expect(told).not.toContain('secret-token');
    expect(told).not.toContain(API_KEY);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('a faulty hook');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('a faulty hook');
      },
    ],
  ])('break no read when one %s', async (_name, hook) => {
    client = connect({
      hooks: { hit: hook, miss: hook, stale: hook, refresh: hook, evict: hook, error: hook },
    });
    await client.getCredential(REF);
    expect((await client.getCredential(REF)).credential).toBe('secret-token');
    expect(client.getCredentialSync(REF)?.credential).toBe('secret-token');
    clock.advanceSeconds(55);
    server.answer = () => ({ json: credential({ credential: 'token-2', version: 2 }) });
    expect((await client.getCredential(REF)).credential).toBe('secret-token');
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
    await aMoment();
    clock.advanceSeconds(3_600);
    server.answer = () => problem(404, 'connection_not_found');
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it.each([
    ['an unknown name', { hits: () => undefined }, 'hits'],
    ['something else than a function', { hit: 'yes' }, 'function'],
  ])('are refused at construction: %s', (_name, hooks, advice) => {
    expect(() => connect({ hooks: hooks as AuthpipeHooks })).toThrow(advice);
  });
});
