import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeOptions, type CredentialRef } from '../src/index.js';
import { API_KEY, credential, HttpServer, problem, type Received } from './http-server.js';
import { ManualClock } from './manual-clock.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

let server: HttpServer;
let clock: ManualClock;

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
});

afterEach(() => server.stop());

const connect = (options: Partial<AuthpipeOptions> = {}) =>
  new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, ...options });

/** Each request's answer is a newer version with a longer life, `token-1`, `token-2`, … */
const answerNewOnes = () => {
  let version = 0;
  server.answer = () => {
    version += 1;
    const expiresAt = new Date(clock.now() + 3_600_000).toISOString();
    const refreshAfter = new Date(clock.now() + 3_300_000).toISOString();
    return { json: credential({ credential: `token-${version}`, version, expiresAt, refreshAfter }) };
  };
};

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise(setImmediate);
};

/** Time enough for a request that should not be made to arrive all the same, or for an answer to be read. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Lets an answer that the server has given arrive. */
const settle = async (client: Authpipe, token: string, ref: CredentialRef = REF) => {
  for (;;) {
    if ((await client.getCredential(ref)).credential === token) return;
    await new Promise(setImmediate);
  }
};

describe('a warm read', () => {
  it('makes no request', async () => {
    answerNewOnes();
    const client = connect();
    const first = await client.getCredential(REF);
    const second = await client.getCredential(REF);
    expect(second).toBe(first);
    expect(server.requests).toHaveLength(1);
  });

  it('asks the server with the key, by provider, tenant and user', async () => {
    answerNewOnes();
    await connect().getCredential(REF);
    const [request] = server.requests as [Received];
    expect(request.path).toBe('/v1/credentials');
    expect(Object.fromEntries(request.query)).toEqual({
      provider: 'okta',
      tenantId: 'org_acme',
      userId: 'user_123',
    });
    expect(request.headers.authorization).toBe(`Bearer ${API_KEY}`);
  });

  it('gives an object that no caller can change for the others', async () => {
    answerNewOnes();
    const found = await connect().getCredential(REF);
    expect(() => {
      found.headers.authorization = 'Bearer mine';
    }).toThrow(TypeError);
    expect(() => found.scopes.push('okta.users.manage')).toThrow(TypeError);
  });

  it('finds one entry by owner and by connection id', async () => {
    answerNewOnes();
    const client = connect();
    const byOwner = await client.getCredential(REF);
    expect(await client.getCredential({ connectionId: 'conn_1' })).toBe(byOwner);
    expect(await client.getCredential({ ...REF, label: 'default' })).toBe(byOwner);
    expect(server.requests).toHaveLength(1);
  });

  it('lets the least recently read go first, beyond maxEntries', async () => {
    server.answer = ({ query }) => ({ json: credential({ connectionId: `conn_${query.get('userId')}` }) });
    const client = connect({ maxEntries: 2 });
    const read = (userId: string) => client.getCredential({ provider: 'okta', tenantId: 'org_acme', userId });
    for (const userId of ['a', 'b', 'a', 'c', 'a', 'b']) await read(userId);
    expect(server.requests.map(({ query }) => query.get('userId'))).toEqual(['a', 'b', 'c', 'b']);
    expect(client.toJSON().cachedCredentials).toBe(2);
  });

  it('keeps the new one when the old one goes', async () => {
    server.answer = () => ({ json: credential() });
    const client = connect();
    await client.getCredential(REF);
    server.answer = () => ({ json: credential({ connectionId: 'conn_2' }) });
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    server.answer = () => ({ json: { id: 'conn_1', revokedAtProvider: true } });
    await client.deleteConnection('conn_1');
    expect((await client.getCredential(REF)).connectionId).toBe('conn_2');
    expect(server.requests).toHaveLength(3);
  });
});

describe('an answer that lacks what the cache relies on', () => {
  it.each([
    'credential',
    'connectionId',
    'headers',
    'scopes',
    'version',
    'expiresAt',
    'refreshAfter',
  ] as const)('is refused: no %s', async (field) => {
    const { [field]: _left, ...rest } = credential();
    server.answer = () => ({ json: rest });
    await expect(connect().getCredential(REF)).rejects.toMatchObject({
      code: 'server_unreachable',
      retryable: false,
    });
  });

  it.each(['soon', '', 7])('is refused: expiresAt %p', async (expiresAt) => {
    server.answer = () => ({ json: { ...credential(), expiresAt } });
    await expect(connect().getCredential(REF)).rejects.toMatchObject({ code: 'server_unreachable' });
  });

  it('may hold more than is known today', async () => {
    server.answer = () => ({ json: { ...credential(), status: 'superb', nested: { new: true } } });
    expect(await connect().getCredential(REF)).toMatchObject({ status: 'superb' });
  });
});

describe('concurrent misses', () => {
  it('for one key make one request', async () => {
    answerNewOnes();
    const client = connect();
    const all = await Promise.all(Array.from({ length: 1_000 }, () => client.getCredential({ ...REF })));
    expect(new Set(all).size).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it('all fail with the one error, and the next read asks again', async () => {
    server.answer = () => problem(409, 'needs_reconnect', { connectionId: 'conn_1', reason: 'revoked' });
    const client = connect();
    const all = await Promise.allSettled([client.getCredential(REF), client.getCredential(REF)]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.requests).toHaveLength(1);
    answerNewOnes();
    expect((await client.getCredential(REF)).credential).toBe('token-1');
  });

  it('go on when one caller gives up', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async () => {
      await held;
      return { json: credential() };
    };
    const client = connect();
    const giveUp = new AbortController();
    const one = client.getCredential(REF, { signal: giveUp.signal });
    const other = client.getCredential(REF);
    giveUp.abort(new Error('changed my mind'));
    await expect(one).rejects.toThrow('changed my mind');
    release();
    expect((await other).credential).toBe('token-1');
    expect(server.requests).toHaveLength(1);
  });

  it('make no request for a caller whose signal is aborted already', async () => {
    const client = connect();
    await expect(client.getCredential(REF, { signal: AbortSignal.abort() })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
    await pause();
    expect(server.requests).toHaveLength(0);
  });
});

describe('between refreshAfter and expiresAt', () => {
  it('the old credential is given at once while one request fetches the next', async () => {
    answerNewOnes();
    const client = connect({ maxAgeSeconds: 3_600 });
    await client.getCredential(REF);
    clock.advanceSeconds(56 * 60);
    const reads = await Promise.all([
      client.getCredential(REF),
      client.getCredential({ connectionId: 'conn_1' }),
    ]);
    expect(reads.map(({ credential: token }) => token)).toEqual(['token-1', 'token-1']);
    await settle(client, 'token-2');
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  it('a server that has no newer one yet is asked every few seconds, not by every read', async () => {
    server.answer = () => ({ json: credential() });
    const client = connect({ maxAgeSeconds: 3_600 });
    await client.getCredential(REF);
    clock.advanceSeconds(56 * 60);
    await client.getCredential(REF);
    await until(() => server.requests.length === 2);
    await pause();
    for (let read = 0; read < 50; read += 1) await client.getCredential(REF);
    await pause();
    expect(server.requests).toHaveLength(2);
    clock.advanceSeconds(6);
    await client.getCredential(REF);
    await until(() => server.requests.length === 3);
  });
});

describe('after expiresAt', () => {
  it('the credential is not given again, whatever the server does', async () => {
    server.answer = () => ({ json: credential() });
    const client = connect();
    await client.getCredential(REF);
    clock.advanceSeconds(3_600);
    server.answer = () => problem(503, 'provider_unavailable');
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(client.toJSON().cachedCredentials).toBe(0);
  });

  it('it is not given either when that is long before the next look', async () => {
    server.answer = () => ({
      json: credential({ expiresAt: '2026-01-01T00:00:10.000Z', refreshAfter: null }),
    });
    const client = connect({ maxAgeSeconds: 3_600 });
    await client.getCredential(REF);
    clock.advanceSeconds(9.999);
    await client.getCredential(REF);
    expect(server.requests).toHaveLength(1);
    clock.advanceSeconds(0.001);
    server.answer = () => problem(404, 'connection_not_found');
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it('an answer that is already expired is an error that points at the clocks', async () => {
    server.answer = () => ({ json: credential({ expiresAt: '2025-12-31T23:59:59.000Z' }) });
    await expect(connect().getCredential(REF)).rejects.toMatchObject({
      code: 'internal_error',
      message: expect.stringContaining('clock'),
    });
  });

  it('never comes for a credential without an end', async () => {
    server.answer = () => ({ json: credential({ expiresAt: null, refreshAfter: null }) });
    const client = connect({ maxAgeSeconds: 3_600 });
    await client.getCredential(REF);
    clock.advanceSeconds(1_700);
    await client.getCredential(REF);
    expect(server.requests).toHaveLength(1);
  });
});

describe('minValidity', () => {
  it('is met from the cache while enough is left', async () => {
    answerNewOnes();
    const client = connect();
    await client.getCredential(REF);
    await client.getCredential(REF, { minValidity: 600 });
    expect(server.requests).toHaveLength(1);
  });

  it('has the provider asked for a new one when the server’s does not last', async () => {
    const shortLived = credential({ expiresAt: '2026-01-01T00:05:00.000Z' });
    const renewed = credential({ credential: 'token-2', version: 2 });
    let refreshed = false;
    server.answer = ({ method }) => {
      if (method === 'POST') refreshed = true;
      return { json: refreshed ? renewed : shortLived };
    };
    const client = connect();
    const found = await client.getCredential(REF, { minValidity: 600 });
    expect(found.credential).toBe('token-2');
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/credentials',
      'POST /v1/connections/conn_1/refresh',
      'GET /v1/credentials',
    ]);
  });

  it('that no token has is refused with the most there is, and asked of the provider once', async () => {
    let version = 1;
    server.answer = ({ method }) => {
      if (method === 'POST') version += 1;
      return { json: credential({ version, credential: `token-${version}` }) };
    };
    const evicted: string[] = [];
    const client = connect({ hooks: { evict: ({ reason }) => evicted.push(reason) } });
    for (let call = 0; call < 3; call += 1) {
      await expect(client.getCredential(REF, { minValidity: 7_200 })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('minValidity: must be at most 3600'),
        errors: [{ pointer: '/minValidity', detail: expect.any(String) }],
      });
    }
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(server.requests[1]?.body).toEqual({ minValiditySeconds: 7_200 });
    expect((await client.getCredential(REF)).credential).toBe('token-2');
    expect((await client.getCredential(REF, { minValidity: 3_600 })).credential).toBe('token-2');
    expect(server.requests).toHaveLength(3);
    expect(evicted).toEqual(['call']);

    // A newer version may live longer.
    version = 3;
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    await expect(client.getCredential(REF, { minValidity: 7_200 })).rejects.toThrow('must be at most');
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('that the server refuses keeps the credential, and is asked of the server once', async () => {
    const refusal = problem(400, 'invalid_request', {
      errors: [{ pointer: '/minValiditySeconds', detail: 'must be at most 3540: so long they live' }],
    });
    server.answer = ({ method }) => (method === 'POST' ? refusal : { json: credential() });
    const evicted: string[] = [];
    const client = connect({ hooks: { evict: ({ reason }) => evicted.push(reason) } });
    for (let call = 0; call < 3; call += 1) {
      await expect(client.getCredential(REF, { minValidity: 7_200 })).rejects.toMatchObject({
        message: 'minValidity: must be at most 3540: so long they live.',
        errors: [{ pointer: '/minValidity', detail: expect.any(String) }],
      });
    }
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    await client.getCredential(REF);
    expect(server.requests).toHaveLength(2);
    expect(evicted).toEqual([]);
  });

  it('of two callers is judged for each: what one asks too much is not refused to the other', async () => {
    const refusal = problem(400, 'invalid_request', {
      errors: [{ pointer: '/minValiditySeconds', detail: 'must be at most 3540: so long they live' }],
    });
    let refreshed = false;
    const shortLived = credential({ expiresAt: '2026-01-01T00:05:00.000Z' });
    server.answer = ({ method, body }) => {
      if (method !== 'POST') return { json: refreshed ? credential({ version: 2 }) : shortLived };
      if ((body as { minValiditySeconds: number }).minValiditySeconds > 3_540) return refusal;
      refreshed = true;
      return { json: {} };
    };
    const client = connect();
    const [tooMuch, enough] = await Promise.allSettled([
      client.getCredential(REF, { minValidity: 7_200 }),
      client.getCredential(REF, { minValidity: 600 }),
    ]);
    expect(tooMuch.status).toBe('rejected');
    expect(enough).toMatchObject({ status: 'fulfilled', value: { version: 2 } });
  });

  it.each([-1, Number.NaN, 100_000])('can not be %p', async (minValidity) => {
    await expect(connect().getCredential(REF, { minValidity })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('versions', () => {
  it('keep an older answer that comes late from replacing a newer one', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async ({ query }) => {
      if (query.has('userId')) await held;
      return { json: query.has('userId') ? credential() : credential({ credential: 'token-2', version: 2 }) };
    };
    const client = connect();
    const late = client.getCredential(REF);
    await until(() => server.requests.length === 1);
    await client.getCredential({ connectionId: 'conn_1' });
    release();
    expect((await late).credential).toBe('token-2');
    expect((await client.getCredential(REF)).credential).toBe('token-2');
    expect((await client.getCredential({ connectionId: 'conn_1' })).credential).toBe('token-2');
  });
});

describe('a ref that comes to mean another connection', () => {
  it('gets the new one, and the old one stays findable by its id', async () => {
    server.answer = ({ query }) => ({
      json: credential({ connectionId: query.get('connectionId') ?? 'conn_1' }),
    });
    const client = connect();
    await client.getCredential(REF);
    server.answer = () => ({ json: credential({ connectionId: 'conn_2', credential: 'token-of-2' }) });
    clock.advanceSeconds(61);
    expect((await client.getCredential(REF)).connectionId).toBe('conn_2');
    expect((await client.getCredential(REF)).connectionId).toBe('conn_2');
    expect(client.toJSON().cachedCredentials).toBe(2);
  });
});
