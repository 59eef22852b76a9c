import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type CredentialRef } from '../src/index.js';
import { API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { aMoment, until } from './until.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  server.answer = () => ({ json: credential() });
  clock = new ManualClock();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, stream: false });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

describe('getCredentialSync', () => {
  it('gives nothing for what is not cached, and asks for nothing', async () => {
    expect(client.getCredentialSync(REF)).toBeUndefined();
    await aMoment();
    expect(server.requests).toHaveLength(0);
  });

  it('gives what is cached, by owner and by id, the same object as getCredential', async () => {
    const read = await client.getCredential(REF);
    expect(client.getCredentialSync(REF)).toBe(read);
    expect(client.getCredentialSync({ connectionId: 'conn_1' })).toBe(read);
    expect(server.requests).toHaveLength(1);
  });

  it('gives the old one between refreshAfter and expiresAt, while one request fetches the next', async () => {
    server.answer = () => ({ json: credential({ refreshAfter: '2026-01-01T00:00:20.000Z' }) });
    await client.getCredential(REF);
    clock.advanceSeconds(21);
    server.answer = () => ({ json: credential({ credential: 'token-2', version: 2 }) });
    for (let read = 0; read < 10; read += 1)
      expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
    expect(server.requests).toHaveLength(2);
  });

  it('never gives an expired one, and keeps it no longer', async () => {
    await client.getCredential(REF);
    clock.advanceSeconds(3_600);
    expect(client.getCredentialSync(REF)).toBeUndefined();
    expect(client.toJSON().cachedCredentials).toBe(0);
    await aMoment();
    expect(server.requests).toHaveLength(1);
  });

  it('gives nothing that needs the server’s word first, and asks for nothing', async () => {
    await client.getCredential(REF);
    clock.advanceSeconds(60);
    expect(client.getCredentialSync(REF)).toBeUndefined();
    await aMoment();
    expect(server.requests).toHaveLength(1);
    expect(await client.getCredential(REF)).toBeDefined();
    expect(client.getCredentialSync(REF)).toBeDefined();
  });

  it('gives the unexpired one while the server is in trouble', async () => {
    await client.getCredential(REF);
    clock.advanceSeconds(60);
    server.answer = () => problem(503, 'provider_unavailable');
    await client.getCredential(REF);
    clock.advanceSeconds(60);
    expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
  });

  it.each([
    ['without a user', { provider: 'okta', tenantId: 'org_acme' }, '/userId'],
    ['with an undefined user', { ...REF, userId: undefined }, '/userId'],
    ['with an empty user', { ...REF, userId: '' }, '/userId'],
    ['with two owners', { ...REF, owner: 'tenant' }, '/userId'],
    ['with an id and an owner', { ...REF, connectionId: 'conn_1' }, '/provider'],
    ['with an empty id', { connectionId: '' }, '/connectionId'],
  ])('throws for a ref %s, even where the tenant’s own is cached', async (_name, ref, pointer) => {
    await client.getCredential({ provider: 'okta', tenantId: 'org_acme', owner: 'tenant' });
    const read = () => client.getCredentialSync(ref as CredentialRef);
    expect(read).toThrow(expect.objectContaining({ name: 'AuthpipeError', code: 'invalid_request' }));
    expect(read).toThrow(expect.objectContaining({ errors: [{ pointer, detail: expect.any(String) }] }));
  });

  it.each([undefined, null, 'okta'])('throws for a ref that is %p', (ref) => {
    expect(() => client.getCredentialSync(ref as unknown as CredentialRef)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });
});
