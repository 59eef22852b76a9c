import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, AuthpipeError, type ConnectionFilter, type PreloadScope } from '../src/index.js';
import { API_KEY, HttpServer } from './http-server.js';

let server: HttpServer;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, stream: false });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** What an untyped caller may do. */
const loose = (method: string, ...args: unknown[]): unknown =>
  (Reflect.get(client, method) as (...args: unknown[]) => unknown).apply(client, args);

const failure = async (call: () => unknown): Promise<AuthpipeError> => {
  try {
    await call();
  } catch (error) {
    if (error instanceof AuthpipeError) return error;
    throw error;
  }
  throw new Error('The call succeeded.');
};

const listed = async (...args: unknown[]) => {
  for await (const one of loose('listConnections', ...args) as AsyncIterable<unknown>) return one;
};

const own = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

describe('a filter that is there without a value lists nothing, and is refused by name', () => {
  it.each([
    ['tenantId', undefined],
    ['tenantId', null],
    ['tenantId', ''],
    ['userId', undefined],
    ['userId', 7],
    ['owner', undefined],
    ['status', null],
    ['integration', undefined],
    ['provider', undefined],
    ['metadata', undefined],
    ['pageSize', undefined],
    ['pageSize', 0],
  ])('listConnections, %s: %p', async (field, value) => {
    const error = await failure(() => listed({ tenantId: 'org_acme', [field]: value }));
    expect(error.errors?.[0]?.pointer).toBe(`/${field}`);
    expect(error.message).toContain(`${field}: `);
    expect(server.requests).toHaveLength(0);
  });

  it('listConnections, a pair of metadata', async () => {
    const error = await failure(() => listed({ metadata: { plan: undefined } }));
    expect(error.errors?.[0]?.pointer).toBe('/metadata/plan');
    expect(server.requests).toHaveLength(0);
  });

  it.each(['tenantId', 'provider', 'integration'])('preload, %s', async (field) => {
    const error = await failure(() => loose('preload', { tenantId: 'org_acme', [field]: undefined }));
    expect(error.errors?.[0]?.pointer).toBe(`/${field}`);
    expect(server.requests).toHaveLength(0);
  });

  it.each(['putIntegration', 'getIntegration', 'listIntegrations', 'deleteIntegration'])(
    '%s, tenantId: an unknown tenant never becomes the product',
    async (method) => {
      const leading =
        method === 'listIntegrations' ? [] : method === 'putIntegration' ? ['okta', {}] : ['okta'];
      const error = await failure(() => loose(method, ...leading, { tenantId: undefined }));
      expect(error.errors?.[0]?.pointer).toBe('/tenantId');
      expect(server.requests).toHaveLength(0);
    },
  );

  it('the compiler says so too', () => {
    const refused = [
      // @ts-expect-error a tenant that may be missing
      (tenantId: string | undefined): ConnectionFilter => ({ tenantId }),
      // @ts-expect-error a user that may be missing
      (userId: string | undefined): ConnectionFilter => ({ tenantId: 'org_acme', userId }),
      // @ts-expect-error a provider that may be missing
      (provider: string | undefined): PreloadScope => ({ tenantId: 'org_acme', provider }),
    ];
    expect(refused).toHaveLength(3);
  });
});

describe('a misspelt option or filter is refused with the nearest known one', () => {
  it.each<[string, () => unknown, string, string]>([
    ['a filter', () => listed({ tenant: 'org_acme' }), '/tenant', 'tenantId'],
    ['a filter of another case', () => listed({ tenantid: 'org_acme' }), '/tenantid', 'tenantId'],
    ['a scope', () => loose('preload', { tenantId: 'org_acme', providr: 'okta' }), '/providr', 'provider'],
    ['a read', () => loose('getCredential', own, { minvalidity: 60 }), '/minvalidity', 'minValidity'],
    ['a call', () => loose('getConnection', 'conn_1', { singal: undefined }), '/singal', 'signal'],
    [
      'what makes something',
      () => loose('createConnectSession', own, { idempotency: 'once' }),
      '/idempotency',
      'idempotencyKey',
    ],
    [
      'the client',
      () => new Authpipe({ apiKey: API_KEY, baseUrl: server.url, maxAge: 5 } as object),
      '/maxAge',
      'maxAgeSeconds',
    ],
  ])('%s', async (_name, call, pointer, nearest) => {
    const error = await failure(call);
    expect(error.code).toBe('invalid_request');
    expect(error.errors?.[0]?.pointer).toBe(pointer);
    expect(error.message).toMatch(new RegExp(`Did you mean ${nearest}\\?`));
    expect(server.requests).toHaveLength(0);
  });

  it('one that is like none is answered with all that there are', async () => {
    const error = await failure(() => loose('getConnection', 'conn_1', { cache: true }));
    expect(error.message).toBe('cache: is not known here. Known: signal.');
  });
});

describe('what a call was not given is named', () => {
  it.each<[string, () => unknown, string]>([
    ['preload()', () => loose('preload'), '/scope'],
    ['createConnectSession()', () => loose('createConnectSession'), '/request'],
    ['a session of nobody', () => loose('createConnectSession', { tenantId: 'org_acme' }), '/userId'],
    ['a session of a number', () => loose('createConnectSession', { ...own, userId: 123 }), '/userId'],
    ['getConnectSession()', () => loose('getConnectSession'), '/id'],
    ['finishConnectSession()', () => loose('finishConnectSession', 'sess_1'), '/codeVerifier'],
    ["getConnection('')", () => client.getConnection(''), '/id'],
    ['getConnection(7)', () => loose('getConnection', 7), '/id'],
    ['deleteConnection()', () => loose('deleteConnection'), '/id'],
    ['refreshConnection()', () => loose('refreshConnection'), '/id'],
    ['updateConnection(id)', () => loose('updateConnection', 'conn_1'), '/changes'],
    ['reportConnection(id)', () => loose('reportConnection', 'conn_1'), '/report'],
    ['deleteTenant()', () => loose('deleteTenant'), '/tenantId'],
    ['putIntegration(id)', () => loose('putIntegration', 'okta'), '/request'],
    ['getIntegration()', () => loose('getIntegration'), '/id'],
    ['putSecret(id)', () => loose('putSecret', 'conn_1'), '/name'],
    ['putSecret(id, name)', () => loose('putSecret', 'conn_1', 'webhook'), '/value'],
    ['getSecret()', () => loose('getSecret'), '/connectionId'],
    ['a number as userId', () => loose('getCredential', { ...own, userId: 123 }), '/userId'],
    ['null as options', () => loose('getCredential', own, null), '/options'],
    ['null as options of a call', () => loose('getConnection', 'conn_1', null), '/options'],
    ['null as a filter', () => listed(null), '/filter'],
    ['a signal that is none', () => loose('getCredential', own, { signal: {} }), '/signal'],
    ['a controller for its signal', () => listed({}, { signal: new AbortController() }), '/signal'],
    ['null as a signal', () => loose('getConnection', 'conn_1', { signal: null }), '/signal'],
    ['importConnection()', () => loose('importConnection'), '/request'],
    ['an import of nobody', () => loose('importConnection', { provider: 'okta', tenantId: 'o' }), '/userId'],
    ['an import of nothing', () => loose('importConnection', own), '/credential'],
    [
      'an import of something else',
      () => loose('importConnection', { ...own, credential: { token: 'a-secret-token' } }),
      '/credential',
    ],
    [
      'an import of a token that is not set',
      () => loose('importConnection', { ...own, credential: { accessToken: undefined } }),
      '/credential/accessToken',
    ],
    ['fetch(ref)', () => loose('fetch', own), '/input'],
    ['null as the options of a client', () => new Authpipe(null as unknown as object), '/options'],
  ])('%s', async (_name, call, pointer) => {
    const error = await failure(call);
    expect(error.code).toBe('invalid_request');
    expect(error.errors?.[0]?.pointer).toBe(pointer);
    expect(error.message).toContain(`${pointer.slice(1)}: `);
    expect(inspect(error)).not.toContain('a-secret-token');
    expect(server.requests).toHaveLength(0);
  });

  it('an import of something else is told the forms there are', async () => {
    const error = await failure(() => loose('importConnection', { ...own, credential: { token: 't' } }));
    expect(error.message).toContain('{ apiKey }, { username, password }');
  });

  it.each([
    { username: 'an-api-key', password: '' },
    { accessToken: 'token', refreshToken: undefined },
    { apiKey: 'key', accessToken: undefined },
  ])('what is whole is sent: %p', async (credential) => {
    await loose('importConnection', { ...own, credential });
    expect(server.requests).toHaveLength(1);
  });

  it('a number as userId is told to be one', async () => {
    const error = await failure(() => loose('getCredential', { ...own, userId: 123 }));
    expect(error.message).toBe('userId: must be a string; a number was given.');
  });
});
