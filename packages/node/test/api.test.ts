import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe } from '../src/index.js';
import { API_KEY, HttpServer } from './http-server.js';

let server: HttpServer;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: `${server.url}/behind/a/proxy/` });
});

afterEach(() => server.stop());

const imported = {
  provider: 'okta',
  tenantId: 'org_acme',
  userId: 'user_123',
  credential: { accessToken: 'token' },
};

describe('each method makes its call', () => {
  const calls: [line: string, call: () => Promise<unknown>, body?: unknown][] = [
    [
      'POST /connect-sessions',
      () => client.createConnectSession({ tenantId: 'org_acme', userId: 'user_123' }),
      { tenantId: 'org_acme', userId: 'user_123' },
    ],
    ['GET /connect-sessions/sess_1', () => client.getConnectSession('sess_1')],
    [
      'POST /connect-sessions/sess_1/finish',
      () => client.finishConnectSession('sess_1', 'verifier'),
      { codeVerifier: 'verifier' },
    ],
    ['GET /connections/conn_1', () => client.getConnection('conn_1')],
    [
      'PATCH /connections/conn_1',
      () => client.updateConnection('conn_1', { metadata: { plan: 'pro' } }),
      { metadata: { plan: 'pro' } },
    ],
    ['POST /connections', () => client.importConnection(imported), imported],
    ['POST /connections/conn_1/refresh', () => client.refreshConnection('conn_1')],
    ['POST /connections/conn_1/check', () => client.checkConnection('conn_1')],
    [
      'POST /connections/conn_1/report',
      () => client.reportConnection('conn_1', { status: 401, version: 3 }),
      { status: 401, version: 3 },
    ],
    ['DELETE /connections/conn_1', () => client.deleteConnection('conn_1')],
    ['DELETE /tenants/org_acme', () => client.deleteTenant('org_acme')],
    ['PUT /integrations/okta', () => client.putIntegration('okta', { clientId: 'c' }), { clientId: 'c' }],
    [
      'PUT /tenants/org_acme/integrations/okta',
      () => client.putIntegration('okta', { clientId: 'c' }, { tenantId: 'org_acme' }),
      { clientId: 'c' },
    ],
    ['GET /integrations/okta', () => client.getIntegration('okta')],
    [
      'GET /tenants/org_acme/integrations/okta',
      () => client.getIntegration('okta', { tenantId: 'org_acme' }),
    ],
    ['GET /integrations', () => client.listIntegrations()],
    ['GET /tenants/org_acme/integrations', () => client.listIntegrations({ tenantId: 'org_acme' })],
    ['DELETE /integrations/okta', () => client.deleteIntegration('okta')],
    [
      'DELETE /tenants/org_acme/integrations/okta',
      () => client.deleteIntegration('okta', { tenantId: 'org_acme' }),
    ],
    [
      'PUT /connections/conn_1/secrets/webhook',
      () => client.putSecret('conn_1', 'webhook', 's'),
      { value: 's' },
    ],
    ['GET /connections/conn_1/secrets/webhook', () => client.getSecret('conn_1', 'webhook')],
    ['DELETE /connections/conn_1/secrets/webhook', () => client.deleteSecret('conn_1', 'webhook')],
  ];

  // Spelled out: a row that is shorter than the function would get Jest's `done` as its body.
  it.each(calls.map(([line, call, body]) => [line, call, body] as const))('%s', async (line, call, body) => {
    server.answer = ({ method }) => (method === 'DELETE' ? { status: 204 } : { json: { id: 'conn_1' } });
    await call();
    const [request] = server.requests;
    expect(`${request?.method} ${request?.path}`).toBe(line.replace(' ', ' /behind/a/proxy/v1'));
    expect(request?.body).toEqual(body);
    expect(request?.headers['content-type']).toBe(body === undefined ? undefined : 'application/json');
  });
});

it('an idempotency key is sent with what makes something', async () => {
  server.answer = () => ({ status: 201, json: { id: 'conn_1' } });
  await client.createConnectSession({ tenantId: 'org_acme', userId: 'user_123' }, { idempotencyKey: 'once' });
  await client.importConnection(imported, { idempotencyKey: 'twice' });
  expect(server.requests.map(({ headers }) => headers['idempotency-key'])).toEqual(['once', 'twice']);
});

describe('listConnections', () => {
  it('reads page after page as its reader goes on', async () => {
    server.answer = ({ query }) => {
      const page = Number(query.get('cursor') ?? 0);
      return {
        json: {
          data: [{ id: `conn_${page}a` }, { id: `conn_${page}b` }],
          nextCursor: page < 2 ? `${page + 1}` : null,
        },
      };
    };
    const ids: string[] = [];
    for await (const { id } of client.listConnections({ tenantId: 'org_acme' })) ids.push(id);
    expect(ids).toEqual(['conn_0a', 'conn_0b', 'conn_1a', 'conn_1b', 'conn_2a', 'conn_2b']);
    for await (const { id } of client.listConnections()) if (id === 'conn_0b') break;
    expect(server.requests).toHaveLength(4);
  });

  it('sends every condition', async () => {
    server.answer = () => ({ json: { data: [], nextCursor: null } });
    const filter = {
      tenantId: 'org_acme',
      status: 'needs_reconnect',
      metadata: { plan: 'pro' },
      pageSize: 10,
    } as const;
    for await (const _none of client.listConnections(filter)) throw new Error('There is none.');
    expect(Object.fromEntries(server.requests[0]?.query ?? [])).toEqual({
      tenantId: 'org_acme',
      status: 'needs_reconnect',
      'metadata.plan': 'pro',
      limit: '10',
    });
  });

  it('does not ask for the same page for ever', async () => {
    server.answer = () => ({ json: { data: [{ id: 'conn_1' }], nextCursor: 'again' } });
    const read = async () => {
      for await (const _connection of client.listConnections()) if (server.requests.length > 5) return;
    };
    await expect(read()).rejects.toMatchObject({ code: 'internal_error' });
  });
});
