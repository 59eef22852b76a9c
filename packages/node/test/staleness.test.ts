import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type CredentialRef } from '../src/index.js';
import { type Answer, API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
  client = new Authpipe({
    apiKey: API_KEY,
    baseUrl: server.url,
    clock,
    maxAgeSeconds: 60,
    timeoutMillis: 200,
  });
  server.answer = () => ({ json: credential() });
  await client.getCredential(REF);
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** Waits for the background request that a read has started to be answered and read. */
const requestsToBe = async (count: number) => {
  while (server.requests.length < count) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 30));
};

const revoked = () => problem(409, 'needs_reconnect', { connectionId: 'conn_1', reason: 'revoked' });

describe('a credential revoked at the server', () => {
  it('is not served once it is older than maxAgeSeconds', async () => {
    server.answer = revoked;
    clock.advanceSeconds(60);
    await expect(client.getCredential(REF)).rejects.toMatchObject({
      code: 'needs_reconnect',
      reason: 'revoked',
    });
  });

  it('is found out in the background before that, when it is read often', async () => {
    server.answer = revoked;
    clock.advanceSeconds(55);
    expect((await client.getCredential(REF)).credential).toBe('token-1');
    await requestsToBe(2);
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'needs_reconnect' });
  });

  it('is asked for anew by each read, so that a reconnect works at once', async () => {
    server.answer = revoked;
    clock.advanceSeconds(60);
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'needs_reconnect' });
    server.answer = () => ({ json: credential({ credential: 'token-2', version: 2 }) });
    expect((await client.getCredential(REF)).credential).toBe('token-2');
  });
});

describe('an answer that says the credential is dead', () => {
  const answers: [string, Answer][] = [
    ['revoked', revoked()],
    ['user_deactivated', problem(409, 'needs_reconnect', { reason: 'user_deactivated' })],
    ['without a reason', problem(409, 'needs_reconnect')],
    ['connection_not_found', problem(404, 'connection_not_found')],
    ['unauthorized', problem(401, 'unauthorized')],
    ['forbidden', problem(403, 'forbidden')],
    ['connection_ambiguous', problem(409, 'connection_ambiguous')],
  ];
  it.each(answers)('drops it at once: %s', async (_name, answer) => {
    server.answer = () => answer;
    clock.advanceSeconds(55);
    await client.getCredential(REF);
    await requestsToBe(2);
    expect(client.toJSON().cachedCredentials).toBe(0);
  });

  it('about the key drops everything that was read with it', async () => {
    server.answer = () => ({ json: credential({ connectionId: 'conn_2' }) });
    await client.getCredential({ connectionId: 'conn_2' });
    server.answer = () => problem(401, 'unauthorized');
    await expect(client.getCredential({ connectionId: 'conn_3' })).rejects.toMatchObject({
      code: 'unauthorized',
    });
    expect(client.toJSON().cachedCredentials).toBe(0);
  });
});

describe('an answer that does not say so', () => {
  const answers: [string, Answer][] = [
    ['provider_unavailable', problem(503, 'provider_unavailable')],
    ['rate_limited', problem(429, 'rate_limited', {})],
    ['internal_error', problem(500, 'internal_error')],
    [
      'a dead grant whose token lives on',
      problem(409, 'needs_reconnect', { reason: 'refresh_token_expired' }),
    ],
    ['a gateway’s 403 page', { status: 403, text: '<html>Forbidden</html>' }],
    ['a gateway’s 404 page', { status: 404, text: '<html>Not Found</html>' }],
    ['a page instead of JSON', { status: 200, text: '<html>Welcome</html>' }],
    ['JSON that is no credential', { json: { hello: 'world' } }],
    ['a cut connection', 'cut'],
    ['no answer in time', 'hang'],
  ];
  it.each(answers)('leaves the unexpired one in service: %s', async (_name, answer) => {
    server.answer = () => answer;
    clock.advanceSeconds(61);
    expect((await client.getCredential(REF)).credential).toBe('token-1');
    expect((await client.getCredential(REF)).credential).toBe('token-1');
    clock.advanceSeconds(3_600);
    await expect(client.getCredential(REF)).rejects.toMatchObject({ name: 'AuthpipeError' });
  });
});

describe('while the server is down', () => {
  it('a read does not wait for it again, and asks only every few seconds', async () => {
    server.answer = () => 'hang';
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    expect(server.requests).toHaveLength(2);
    for (let read = 0; read < 20; read += 1) await client.getCredential(REF);
    expect(server.requests).toHaveLength(2);
    clock.advanceSeconds(6);
    await client.getCredential(REF);
    await requestsToBe(3);
  });

  it('a read does not wait again either when it is the provider that is down', async () => {
    server.answer = () => problem(503, 'provider_unavailable');
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    clock.advanceSeconds(6);
    server.answer = () => 'hang';
    const first = await Promise.race([client.getCredential(REF), requestsToBe(3).then(() => 'waited')]);
    expect(first).toMatchObject({ credential: 'token-1' });
  });

  it('Retry-After is honoured, up to half a minute', async () => {
    const headers = { 'retry-after': '3600' };
    server.answer = () => ({ ...(problem(503, 'provider_unavailable') as object), headers });
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    clock.advanceSeconds(29);
    await client.getCredential(REF);
    await requestsToBe(2);
    expect(server.requests).toHaveLength(2);
    clock.advanceSeconds(1);
    await client.getCredential(REF);
    await requestsToBe(3);
  });

  it('readers of other credentials do not wait for it either', async () => {
    server.answer = () => ({ json: credential({ connectionId: 'conn_2', credential: 'token-of-2' }) });
    await client.getCredential({ connectionId: 'conn_2' });
    clock.advanceSeconds(61);
    server.answer = () => 'cut';
    await client.getCredential(REF);
    server.answer = () => 'hang';
    const read = client.getCredential({ connectionId: 'conn_2' });
    const first = await Promise.race([read, requestsToBe(3).then(() => 'waited')]);
    expect(first).toMatchObject({ credential: 'token-of-2' });
  });

  it('every read is served until expiry, then fails typed, then recovers by itself', async () => {
    server.answer = () => 'cut';
    for (let minute = 1; minute < 60; minute += 1) {
      clock.advanceSeconds(60);
      expect((await client.getCredential(REF)).credential).toBe('token-1');
    }
    clock.advanceSeconds(60);
    await expect(client.getCredential(REF)).rejects.toMatchObject({
      code: 'server_unreachable',
      retryable: true,
    });
    const expiresAt = new Date(clock.now() + 3_600_000).toISOString();
    server.answer = () => ({
      json: credential({ credential: 'token-2', version: 2, expiresAt, refreshAfter: null }),
    });
    expect((await client.getCredential(REF)).credential).toBe('token-2');
  });
});

describe('what this client does itself', () => {
  const connection = { id: 'conn_1', version: 1, status: 'healthy', reason: null };
  const next = () => ({ json: credential({ credential: 'token-2', version: 2 }) });
  const answering = (json: unknown) => {
    server.answer = ({ method, path }) =>
      method === 'GET' && path === '/v1/credentials' ? next() : { json };
  };

  it.each([
    ['refreshConnection', () => client.refreshConnection('conn_1')],
    ['reportConnection', () => client.reportConnection('conn_1', { status: 401 })],
    ['deleteConnection', () => client.deleteConnection('conn_1')],
    ['deleteTenant', () => client.deleteTenant('org_acme')],
    [
      'importConnection',
      () =>
        client.importConnection({
          provider: 'okta',
          tenantId: 'org_acme',
          userId: 'user_123',
          credential: { accessToken: 'imported' },
        }),
    ],
  ])('%s: the next read asks the server', async (_name, call) => {
    answering(connection);
    await call();
    expect((await client.getCredential(REF)).credential).toBe('token-2');
  });

  it('checkConnection that finds a revoked grant drops the credential', async () => {
    answering({ ...connection, status: 'needs_reconnect', reason: 'revoked' });
    await client.checkConnection('conn_1');
    expect(client.toJSON().cachedCredentials).toBe(0);
  });

  const calls: [string, () => Promise<unknown>][] = [
    ['refreshConnection', () => client.refreshConnection('conn_1')],
    ['checkConnection', () => client.checkConnection('conn_1')],
    ['reportConnection', () => client.reportConnection('conn_1', { status: 401 })],
  ];

  it.each(calls)(
    '%s that fails because the grant or the connection is gone drops the credential',
    async (_name, call) => {
      for (const refusal of [
        problem(409, 'needs_reconnect', { reason: 'revoked' }),
        problem(404, 'connection_not_found'),
      ]) {
        server.answer = () => ({ json: credential() });
        await client.getCredential(REF);
        server.answer = () => refusal;
        await expect(call()).rejects.toMatchObject({ name: 'AuthpipeError' });
        expect(client.getCredentialSync(REF)).toBeUndefined();
      }
    },
  );

  it.each(calls)(
    '%s that fails for another reason leaves the credential where it is',
    async (_name, call) => {
      for (const refusal of [
        problem(409, 'needs_reconnect', { reason: 'refresh_token_expired' }),
        problem(403, 'forbidden'),
        problem(429, 'rate_limited'),
        problem(503, 'provider_unavailable'),
      ]) {
        server.answer = () => refusal;
        await expect(call()).rejects.toMatchObject({ name: 'AuthpipeError' });
        expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
      }
    },
  );

  it('getConnection that finds a newer version drops the older one', async () => {
    answering({ ...connection, version: 2 });
    await client.getConnection('conn_1');
    expect((await client.getCredential(REF)).credential).toBe('token-2');
  });

  it('checkConnection that finds it well leaves it where it is', async () => {
    answering(connection);
    await client.checkConnection('conn_1');
    expect((await client.getCredential(REF)).credential).toBe('token-1');
  });

  it('a read that was under way when the connection was deleted does not bring it back', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async ({ method }) => {
      if (method === 'DELETE') return { json: { id: 'conn_1', revokedAtProvider: true } };
      await held;
      return { json: credential() };
    };
    clock.advanceSeconds(61);
    const underWay = client.getCredential(REF);
    await requestsToBe(2);
    await client.deleteConnection('conn_1');
    server.answer = () => problem(404, 'connection_not_found');
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'connection_not_found' });
    release();
    await underWay;
    expect(client.toJSON().cachedCredentials).toBe(0);
  });
});
