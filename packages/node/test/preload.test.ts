import type { Connection } from '@authpipe/types';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeOptions, type CredentialRef, type PreloadScope } from '../src/index.js';
import { type Answer, API_KEY, batchOf, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';

type Row = Pick<Connection, 'id' | 'provider' | 'integration' | 'tenantId' | 'userId' | 'label'>;

let server: HttpServer;
let client: Authpipe;
let rows: Row[];
/** What the server answers for a ref; unless told, as it resolves refs to `rows`. */
let answerRef: (ref: Readonly<Record<string, string>>) => Answer;

const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  provider: 'okta',
  integration: 'okta',
  tenantId: 'org_acme',
  userId: id.replace('conn_', 'user_'),
  label: 'default',
  ...more,
});

const resolve = (ref: Readonly<Record<string, string>>): Answer => {
  const found = rows.filter(
    ({ provider, integration, userId, label }) =>
      (ref.provider === undefined || provider === ref.provider) &&
      (ref.integration === undefined || integration === ref.integration) &&
      userId === (ref.userId ?? null) &&
      label === (ref.label ?? 'default'),
  );
  // A provider means the integration of that id, or the only one of that provider.
  const meant = found.filter(
    ({ integration }) => ref.integration !== undefined || integration === ref.provider,
  );
  const [one, two] = meant.length > 0 ? meant : found;
  if (one === undefined) return problem(404, 'connection_not_found');
  if (two !== undefined) return problem(409, 'connection_ambiguous');
  return { json: credential({ connectionId: one.id, credential: `token-of-${one.id}` }) };
};

beforeEach(async () => {
  server = await HttpServer.start();
  rows = [];
  answerRef = resolve;
  server.answer = (request) => {
    if (request.path === '/v1/connections') {
      const from = Number(request.query.get('cursor') ?? 0);
      const to = from + Number(request.query.get('limit'));
      return { json: { data: rows.slice(from, to), nextCursor: to < rows.length ? `${to}` : null } };
    }
    return request.method === 'POST'
      ? batchOf(request, answerRef)
      : answerRef(Object.fromEntries(request.query));
  };
  client = connect();
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const connect = (options: Partial<AuthpipeOptions> = {}) =>
  new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock: new ManualClock(), ...options });

const paths = () => server.requests.map(({ method, path }) => `${method} ${path}`);
const idOf = (ref: CredentialRef) => client.getCredentialSync(ref)?.connectionId;

describe('preload', () => {
  it('makes the first read of each of a tenant’s connections warm, by every way to ask', async () => {
    rows = [row('conn_a'), row('conn_b', { label: 'work' }), row('conn_t', { userId: null })];
    expect(await client.preload({ tenantId: 'org_acme' })).toEqual({ loaded: 3, failed: [] });
    expect(server.requests[0]?.query.get('tenantId')).toBe('org_acme');
    expect(paths()).toEqual(['GET /v1/connections', 'POST /v1/credentials/batch']);
    for (const target of [{ provider: 'okta' }, { integration: 'okta' }]) {
      expect(idOf({ ...target, tenantId: 'org_acme', userId: 'user_a' })).toBe('conn_a');
      expect(idOf({ ...target, tenantId: 'org_acme', userId: 'user_b', label: 'work' })).toBe('conn_b');
      expect(idOf({ ...target, tenantId: 'org_acme', owner: 'tenant' })).toBe('conn_t');
      expect(idOf({ ...target, tenantId: 'org_acme', userId: 'user_b' })).toBeUndefined();
    }
    for (const { id } of rows) expect(idOf({ connectionId: id })).toBe(id);
    expect(server.requests).toHaveLength(2);
  });

  it('lets a provider find a connection only where the server would: not where two fit', async () => {
    rows = [
      row('conn_eu', { integration: 'okta-eu', userId: 'user_a' }),
      row('conn_us', { integration: 'okta-us', userId: 'user_a' }),
    ];
    expect(await client.preload({ tenantId: 'org_acme' })).toEqual({ loaded: 2, failed: [] });
    const owner = { tenantId: 'org_acme', userId: 'user_a' };
    expect(idOf({ provider: 'okta', ...owner })).toBeUndefined();
    expect(idOf({ integration: 'okta-eu', ...owner })).toBe('conn_eu');
    expect(idOf({ integration: 'okta-us', ...owner })).toBe('conn_us');
  });

  it('and not where the provider means another one', async () => {
    rows = [
      row('conn_eu', { integration: 'okta-eu', userId: 'user_a' }),
      row('conn_main', { integration: 'okta', userId: 'user_a' }),
    ];
    expect(await client.preload({ tenantId: 'org_acme' })).toEqual({ loaded: 2, failed: [] });
    const owner = { tenantId: 'org_acme', userId: 'user_a' };
    expect(idOf({ provider: 'okta', ...owner })).toBe('conn_main');
    expect(idOf({ integration: 'okta-eu', ...owner })).toBe('conn_eu');
  });

  it('lists what has no credential to use, and throws for none of it', async () => {
    rows = [row('conn_a'), row('conn_b'), row('conn_c')];
    answerRef = (ref) =>
      ref.userId === 'user_b'
        ? problem(409, 'needs_reconnect', { connectionId: 'conn_b', reason: 'revoked' })
        : resolve(ref);
    const { loaded, failed } = await client.preload({ tenantId: 'org_acme' });
    expect(loaded).toBe(2);
    expect(failed).toEqual([
      {
        connectionId: 'conn_b',
        error: expect.objectContaining({ code: 'needs_reconnect', reason: 'revoked' }),
      },
    ]);
  });

  it('goes page by page', async () => {
    rows = Array.from({ length: 230 }, (_, index) => row(`conn_${index}`));
    expect((await client.preload({ tenantId: 'org_acme' })).loaded).toBe(230);
    expect(paths().filter((line) => line === 'GET /v1/connections')).toHaveLength(3);
    expect(paths().filter((line) => line === 'POST /v1/credentials/batch')).toHaveLength(3);
    expect(client.toJSON().cachedCredentials).toBe(230);
  });

  it('stops at maxEntries', async () => {
    rows = Array.from({ length: 230 }, (_, index) => row(`conn_${index}`));
    client = connect({ maxEntries: 120 });
    expect((await client.preload({ tenantId: 'org_acme' })).loaded).toBe(120);
    expect(client.toJSON().cachedCredentials).toBe(120);
    expect(idOf({ connectionId: 'conn_0' })).toBe('conn_0');
    expect(paths().filter((line) => line === 'GET /v1/connections')).toHaveLength(2);
  });

  it('may be of one provider or integration', async () => {
    await client.preload({ tenantId: 'org_acme', provider: 'okta', integration: 'okta-eu' });
    expect(Object.fromEntries(server.requests[0]?.query ?? [])).toEqual({
      tenantId: 'org_acme',
      provider: 'okta',
      integration: 'okta-eu',
      limit: '100',
    });
  });

  it('ends when its signal is aborted', async () => {
    rows = [row('conn_a')];
    const giveUp = new AbortController();
    answerRef = () => {
      giveUp.abort(new Error('enough'));
      return problem(503, 'provider_unavailable');
    };
    await expect(client.preload({ tenantId: 'org_acme' }, { signal: giveUp.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('throws where the connections can not be listed', async () => {
    server.answer = () => problem(403, 'forbidden');
    await expect(client.preload({ tenantId: 'org_acme' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it.each([{}, { tenantId: undefined }, { tenantId: '' }, { tenantId: 'org_acme', provider: '' }])(
    'refuses %p, instead of loading every tenant',
    async (scope) => {
      await expect(client.preload(scope as PreloadScope)).rejects.toMatchObject({ code: 'invalid_request' });
      expect(server.requests).toHaveLength(0);
    },
  );
});
