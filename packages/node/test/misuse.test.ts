import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, AuthpipeError, type CredentialRef } from '../src/index.js';
import { refuseBrowser } from '../src/options.js';
import { API_KEY, credential, HttpServer } from './http-server.js';
import { ManualClock } from './manual-clock.js';

const BASE_URL = 'https://auth.example.com';

const errorOf = (make: () => unknown): AuthpipeError => {
  try {
    make();
  } catch (error) {
    if (error instanceof AuthpipeError) return error;
  }
  throw new Error('No AuthpipeError was thrown.');
};

describe('options', () => {
  it.each([
    ['no key', undefined, 'AUTHPIPE_API_KEY'],
    ['an empty key', '', 'AUTHPIPE_API_KEY'],
    ['a cut key', 'ap_live_abc', 'copy it whole'],
    ['a quoted key', `"${API_KEY}"`, 'copy it whole'],
    ['a key with a line break', `${API_KEY}\n`, 'copy it whole'],
    ['another product’s key', `sk_live_${'k'.repeat(43)}`, 'ap_live_'],
    ['a session token', `aps_${'k'.repeat(43)}.k`, 'belongs in the browser'],
  ])('%s is refused, and not shown', (_name, apiKey, advice) => {
    const error = errorOf(() => new Authpipe({ apiKey, baseUrl: BASE_URL }));
    expect(error.code).toBe('invalid_request');
    expect(error.message).toContain(advice);
    expect(inspect(error)).not.toContain('kkkk');
  });

  it.each([
    ['nothing', undefined, 'AUTHPIPE_URL'],
    ['a host alone', 'auth.example.com', 'write it whole'],
    ['another scheme', 'ftp://auth.example.com', 'write it whole'],
    ['a user name', 'https://me:pw@auth.example.com', 'take out'],
    ['a query', 'https://auth.example.com/?a=b', 'take out'],
    ['the path of the API', 'https://auth.example.com/v1', 'leave /v1 out'],
    ['the path of the API behind another', 'https://example.com/authpipe/v1/', 'leave /v1 out'],
    ['http off loopback', 'http://auth.example.com', 'https://'],
    ['http to a host that only begins like loopback', 'http://127.0.0.1.example.com', 'https://'],
    ['http to a host that only begins like localhost', 'http://localhost.example.com', 'https://'],
  ])('as baseUrl, %s is refused', (_name, baseUrl, advice) => {
    const error = errorOf(() => new Authpipe({ apiKey: API_KEY, baseUrl }));
    expect(error.code).toBe('invalid_request');
    expect(error.message).toContain(advice);
    expect(error.errors?.[0]?.pointer).toBe('/baseUrl');
  });

  it.each([
    'http://localhost:4600',
    'http://authpipe.localhost:4600',
    'http://127.0.0.1:4600/',
    'http://[::1]:4600',
  ])('%s may go without TLS', (baseUrl) => {
    expect(new Authpipe({ apiKey: API_KEY, baseUrl }).baseUrl).toBe(baseUrl.replace(/\/$/, ''));
  });

  it.each([
    { maxEntries: 0 },
    { maxEntries: 1.5 },
    { maxAgeSeconds: 0 },
    { maxAgeSeconds: Number.POSITIVE_INFINITY },
    { timeoutMillis: -1 },
    { timeoutMillis: Number.NaN },
    { stream: 'yes' as unknown as boolean },
  ])('%p is out of range', (options) => {
    const [name] = Object.keys(options);
    expect(errorOf(() => new Authpipe({ apiKey: API_KEY, baseUrl: BASE_URL, ...options })).message).toContain(
      name,
    );
  });

  describe('in the environment', () => {
    const { AUTHPIPE_API_KEY, AUTHPIPE_URL } = process.env;
    afterEach(() => {
      delete process.env.AUTHPIPE_API_KEY;
      delete process.env.AUTHPIPE_URL;
      Object.assign(process.env, {
        ...(AUTHPIPE_API_KEY === undefined ? {} : { AUTHPIPE_API_KEY }),
        ...(AUTHPIPE_URL === undefined ? {} : { AUTHPIPE_URL }),
      });
    });

    it('stand in for those left out', () => {
      process.env.AUTHPIPE_API_KEY = API_KEY;
      process.env.AUTHPIPE_URL = BASE_URL;
      expect(new Authpipe()).toMatchObject({ baseUrl: BASE_URL, environment: 'test' });
    });
  });

  it('are refused in a browser, but not in a Node test with a DOM', () => {
    expect(errorOf(() => refuseBrowser({ document: {} })).message).toContain('@authpipe/react');
    expect(errorOf(() => refuseBrowser({ document: {}, process: { versions: {} } })).message).toContain(
      'backend',
    );
    expect(() => refuseBrowser({ document: {}, process: { versions: { node: '24.0.0' } } })).not.toThrow();
    expect(() => refuseBrowser({})).not.toThrow();
  });
});

describe('with a server', () => {
  let server: HttpServer;
  let client: Authpipe;

  beforeEach(async () => {
    server = await HttpServer.start();
    client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock: new ManualClock() });
    server.answer = () => ({ json: credential() });
  });

  afterEach(() => server.stop());

  describe('a ref', () => {
    const own: CredentialRef = { provider: 'okta', tenantId: 'org_acme', owner: 'tenant' };

    it.each([
      ['without an owner', { provider: 'okta', tenantId: 'org_acme' }, '/userId'],
      ['with an undefined user', { provider: 'okta', tenantId: 'org_acme', userId: undefined }, '/userId'],
      ['with an empty user', { provider: 'okta', tenantId: 'org_acme', userId: '' }, '/userId'],
      ['with a null user', { provider: 'okta', tenantId: 'org_acme', userId: null }, '/userId'],
      ['with a number as user', { provider: 'okta', tenantId: 'org_acme', userId: 7 }, '/userId'],
      ['with two owners', { ...own, userId: 'user_123' }, '/userId'],
      [
        'with an unknown owner',
        { provider: 'okta', tenantId: 'org_acme', owner: 'user', userId: 'u' },
        '/owner',
      ],
      ['without a provider', { tenantId: 'org_acme', userId: 'user_123' }, '/provider'],
      ['without a tenant', { provider: 'okta', userId: 'user_123' }, '/tenantId'],
      ['with white space around the tenant', { ...own, tenantId: ' org_acme' }, '/tenantId'],
      ['with an empty label', { ...own, label: '' }, '/label'],
      ['with an empty connection id', { connectionId: '' }, '/connectionId'],
      ['with a connection id and an owner', { connectionId: 'conn_1', userId: 'user_123' }, '/userId'],
      ['with a connection id and a provider', { connectionId: 'conn_1', provider: 'okta' }, '/provider'],
      ['with a misspelt user', { provider: 'okta', tenantId: 'org_acme', userid: 'user_123' }, '/userid'],
      ['with a misspelt user beside the tenant', { ...own, userid: 'user_123' }, '/userid'],
      ['with a misspelt user and an undefined one', { ...own, userID: 'u', userId: undefined }, '/userID'],
    ])('%s is refused, even where the tenant’s own is cached', async (_name, ref, pointer) => {
      await client.getCredential(own);
      await expect(client.getCredential(ref as CredentialRef)).rejects.toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer, detail: expect.any(String) }],
      });
      expect(server.requests).toHaveLength(1);
    });

    it.each([
      ['by user', { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' }],
      ['by tenant', own],
      ['by integration', { integration: 'okta', tenantId: 'org_acme', userId: 'user_123' }],
      ['by label', { provider: 'okta', tenantId: 'org_acme', userId: 'user_123', label: 'home' }],
      ['by id', { connectionId: 'conn_1' }],
    ] as [string, CredentialRef][])(
      'with a misspelt label is refused, also where the rest of it is cached %s',
      async (_name, ref) => {
        await client.getCredential(ref);
        const misspelt: CredentialRef = Object.assign({ lable: 'work' }, ref);
        await expect(client.getCredential(misspelt)).rejects.toMatchObject({
          code: 'invalid_request',
          message: expect.stringContaining('Did you mean label?'),
          errors: [{ pointer: '/lable', detail: expect.any(String) }],
        });
        expect(() => client.getCredentialSync(misspelt)).toThrow('Did you mean label?');
        expect(server.requests).toHaveLength(1);
      },
    );

    it.each([undefined, null, 'okta'])('that is %p is refused', async (ref) => {
      await expect(client.getCredential(ref as unknown as CredentialRef)).rejects.toMatchObject({
        code: 'invalid_request',
      });
    });

    it('is checked by the compiler too', () => {
      const refused = [
        // @ts-expect-error no owner
        (): CredentialRef => ({ provider: 'okta', tenantId: 'org_acme' }),
        // @ts-expect-error a user that may be missing
        (userId: string | undefined): CredentialRef => ({ provider: 'okta', tenantId: 'org_acme', userId }),
        // @ts-expect-error two owners
        (): CredentialRef => ({ provider: 'okta', tenantId: 'org_acme', userId: 'u', owner: 'tenant' }),
        // @ts-expect-error no provider
        (): CredentialRef => ({ tenantId: 'org_acme', userId: 'u' }),
        // @ts-expect-error an id and more
        (): CredentialRef => ({ connectionId: 'conn_1', tenantId: 'org_acme' }),
      ];
      expect(refused).toHaveLength(5);
    });
  });

  it.each(['', '.', '..'])('an id %p can not turn one address into another', async (id) => {
    const calls = [
      () => client.putIntegration('okta', { clientId: 'client' }, { tenantId: id }),
      () => client.deleteTenant(id),
      () => client.deleteConnection(id),
      () => client.getSecret('conn_1', id),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'invalid_request' });
    expect(server.requests).toHaveLength(0);
  });

  it('an id with slashes stays one segment', async () => {
    await client.getConnection('a/../b?c#d');
    expect(server.requests[0]?.path).toBe('/v1/connections/a%2F..%2Fb%3Fc%23d');
  });

  it('printing a client shows neither the key nor a credential', async () => {
    server.answer = () => ({ json: credential({ credential: 'secret-token' }) });
    await client.getCredential({ connectionId: 'conn_1' });
    const printed = [
      inspect(client),
      inspect(client, { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true }),
      inspect({ nested: { client } }, { depth: Number.POSITIVE_INFINITY }),
      JSON.stringify(client),
      String(client),
      JSON.stringify(Object.getOwnPropertyDescriptors(client)),
    ].join('\n');
    expect(printed).toContain(`baseUrl: '${server.url}'`);
    expect(printed).toContain('cachedCredentials');
    expect(printed).not.toContain(API_KEY);
    expect(printed).not.toContain('secret-token');
  });

  it('what was evicted is held by nothing', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    let index = 0;
    server.answer = () => ({ json: credential({ connectionId: `conn_${index}` }) });
    client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock: new ManualClock(), maxEntries: 1 });
    const read = async () => {
      index += 1;
      const ref: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: `user_${index}` };
      return new WeakRef(await client.getCredential(ref));
    };
    const evicted = await read();
    await read();
    while (evicted.deref() !== undefined) {
      await new Promise(setImmediate);
      collectGarbage();
    }
    expect(client.toJSON().cachedCredentials).toBe(1);
  });

  describe('close', () => {
    it('empties the cache and refuses what comes later', async () => {
      const ref: CredentialRef = { connectionId: 'conn_1' };
      await client.getCredential(ref);
      client.close();
      expect(client.toJSON().cachedCredentials).toBe(0);
      await expect(client.getCredential(ref)).rejects.toThrow('This client is closed');
      await expect(client.getConnection('conn_1')).rejects.toThrow('This client is closed');
      expect(server.requests).toHaveLength(1);
    });

    it('ends what is under way', async () => {
      server.answer = () => 'hang';
      const read = client.getCredential({ connectionId: 'conn_1' });
      while (server.requests.length === 0) await new Promise(setImmediate);
      client.close();
      await expect(read).rejects.toThrow('This client is closed');
    });

    it('comes with using and await using', async () => {
      client[Symbol.dispose]();
      await client[Symbol.asyncDispose]();
      await expect(client.getConnection('conn_1')).rejects.toThrow('This client is closed');
    });
  });
});
