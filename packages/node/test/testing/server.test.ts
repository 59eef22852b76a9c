import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { verifyWebhook } from '../../src/index.js';
import { createTestAuthpipe, type TestAuthpipe } from '../../src/testing/index.js';

const ref = { provider: 'acme', tenantId: 'org_1', userId: 'user_1' } as const;

let made: TestAuthpipe | undefined;
const start = (...options: Parameters<typeof createTestAuthpipe>): TestAuthpipe => {
  made = createTestAuthpipe(...options);
  return made;
};
afterEach(() => made?.authpipe.close());

describe('authpipe.fetch in a test', () => {
  it("calls the test's own provider with the credential, and replaces one that is refused", async () => {
    const seen: (string | null)[] = [];
    const { authpipe, testing } = start({
      providerFetch: async (input, init) => {
        const authorization = new Headers(init?.headers).get('authorization');
        seen.push(`${String(input)} ${authorization}`);
        return new Response('{}', { status: authorization === 'Bearer first' ? 401 : 200 });
      },
    });
    await testing.connect(ref, { credential: 'first', baseUrl: 'https://acme.test' });
    expect((await authpipe.fetch(ref, '/users')).status).toBe(200);
    expect(seen).toEqual([
      'https://acme.test/users Bearer first',
      'https://acme.test/users Bearer test-credential-1',
    ]);
    expect(testing.requests()).toContainEqual({
      method: 'POST',
      path: '/v1/connections/conn_test_1/report',
      query: {},
    });
  });

  it('asks for a person where nothing can replace the refused credential', async () => {
    const { authpipe, testing } = start({ providerFetch: async () => new Response('', { status: 401 }) });
    await testing.connect(ref, { kind: 'api_key' });
    await expect(authpipe.fetch(ref, '/users')).rejects.toMatchObject({
      code: 'needs_reconnect',
      reason: 'key_invalid',
    });
  });

  it('touches no network unless it is told how', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    await expect(authpipe.fetch(ref, '/users')).rejects.toThrow('providerFetch');
  });
});

describe('the requests of a client', () => {
  it('are told without what is secret, many credentials as one batch', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { credential: 'secret-one' });
    await testing.connect({ ...ref, userId: 'user_2' }, { credential: 'secret-two' });
    await Promise.all([authpipe.getCredential(ref), authpipe.getCredential({ ...ref, userId: 'user_2' })]);
    await authpipe.importConnection({ ...ref, label: 'imported', credential: { apiKey: 'secret-three' } });
    expect(testing.requests()).toEqual([
      {
        method: 'POST',
        path: '/v1/credentials/batch',
        query: {},
        refs: [ref, { ...ref, userId: 'user_2' }],
      },
      { method: 'POST', path: '/v1/connections', query: {} },
    ]);
    expect(JSON.stringify([testing.requests(), testing.events()])).not.toMatch(/secret-|Bearer|ap_test_/);
  });

  it('coalesce: ten thousand reads of one credential ask once', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    await Promise.all(Array.from({ length: 10_000 }, () => authpipe.getCredential(ref)));
    expect(testing.requests()).toHaveLength(1);
  });
});

describe('the rest of the API in memory', () => {
  it('preloads a tenant, and tells of what it can not load', async () => {
    const { authpipe, testing } = start();
    for (let user = 1; user <= 120; user += 1) await testing.connect({ ...ref, userId: `user_${user}` });
    await testing.connect({ ...ref, tenantId: 'org_2' });
    await testing.needsReconnect(ref);
    const { loaded, failed } = await authpipe.preload({ tenantId: 'org_1' });
    expect(loaded).toBe(119);
    expect(failed).toMatchObject([{ connectionId: 'conn_test_1', error: { code: 'needs_reconnect' } }]);
    expect(authpipe.getCredentialSync({ ...ref, userId: 'user_77' })).toBeDefined();
  });

  it('lists, changes, refreshes, checks and deletes connections', async () => {
    const { authpipe, testing } = start();
    const { id } = await testing.connect(ref, { metadata: { plan: 'free' } });
    await testing.connect({ ...ref, userId: 'user_2' });
    const listed = [];
    for await (const one of authpipe.listConnections({ metadata: { plan: 'free' } })) listed.push(one.id);
    expect(listed).toEqual([id]);
    expect((await authpipe.updateConnection(id, { metadata: { plan: 'paid' } })).metadata).toEqual({
      plan: 'paid',
    });
    expect((await authpipe.refreshConnection(id)).version).toBe(2);
    expect((await authpipe.checkConnection(id)).status).toBe('healthy');
    expect(await authpipe.deleteConnection(id)).toEqual({ id, revokedAtProvider: true });
    await expect(authpipe.getConnection(id)).rejects.toMatchObject({ code: 'connection_not_found' });
    expect(await authpipe.deleteTenant('org_1')).toEqual({ connections: 1, revokedAtProvider: 1 });
  });

  it('imports each form of a credential', async () => {
    const { authpipe } = start();
    const read = async (label: string) => authpipe.getCredential({ ...ref, label });
    await authpipe.importConnection({
      ...ref,
      label: 'a',
      credential: { accessToken: 't', refreshToken: 'r' },
    });
    await authpipe.importConnection({ ...ref, label: 'b', credential: { username: 'u', password: 'p' } });
    expect(await read('a')).toMatchObject({ credential: 't', kind: 'oauth2' });
    expect(await read('b')).toMatchObject({
      credential: Buffer.from('u:p').toString('base64'),
      headers: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` },
      fields: { username: 'u', password: 'p' },
    });
    await expect(
      authpipe.importConnection({ ...ref, tenantId: '', credential: { apiKey: 'k' } }),
    ).rejects.toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/tenantId' }] });
  });

  it('finishes a connect session in the place of a person, with the verifier where there is a challenge', async () => {
    const { authpipe, testing } = start();
    const { id } = await authpipe.createConnectSession({ tenantId: 'org_1', userId: 'user_1' });
    expect((await authpipe.getConnectSession(id)).status).toBe('pending');
    await testing.completeSession(id, { provider: 'acme', credential: 'connected' });
    expect(await authpipe.getConnectSession(id)).toMatchObject({
      status: 'complete',
      connection: { provider: 'acme', label: 'default' },
    });
    expect((await authpipe.getCredential(ref)).credential).toBe('connected');

    const verifier = 'v'.repeat(43);
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
    const challenged = await authpipe.createConnectSession({
      ...{ tenantId: 'org_1', userId: 'user_2', integrations: ['acme'], codeChallenge },
    });
    await testing.completeSession(challenged.id);
    await expect(authpipe.finishConnectSession(challenged.id, 'w'.repeat(43))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(authpipe.getCredential({ ...ref, userId: 'user_2' })).rejects.toMatchObject({
      code: 'connection_not_found',
    });
    expect((await authpipe.finishConnectSession(challenged.id, verifier)).status).toBe('complete');
    await authpipe.getCredential({ ...ref, userId: 'user_2' });
  });

  it('lets a connect session fail, or run out', async () => {
    const { authpipe, testing } = start();
    const declined = await authpipe.createConnectSession({ tenantId: 'org_1', userId: 'user_1' });
    await testing.failSession(declined.id);
    expect(await authpipe.getConnectSession(declined.id)).toMatchObject({
      status: 'failed',
      error: { code: 'access_denied' },
    });
    const late = await authpipe.createConnectSession({ tenantId: 'org_1', userId: 'user_1' });
    await testing.advance(600);
    expect((await authpipe.getConnectSession(late.id)).status).toBe('expired');
  });

  it("signs webhooks that verifyWebhook accepts, by the client's clock and by the machine's", async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    const event = testing.event('connection.needs_reconnect', ref);
    const webhook = testing.signWebhook(event);
    expect(verifyWebhook({ ...webhook, secret: testing.webhookSecret })).toEqual(event);
    expect(() =>
      verifyWebhook({ ...webhook, body: `${webhook.body} `, secret: testing.webhookSecret }),
    ).toThrow('signature');
    await testing.advance(3_600);
    expect(() => authpipe.verifyWebhook({ ...webhook, secret: testing.webhookSecret })).toThrow();
    const later = testing.signWebhook(event);
    expect(authpipe.verifyWebhook({ ...later, secret: testing.webhookSecret })).toEqual(event);
  });

  it("checks a provider's webhook with a named secret and the scheme that the test gives", async () => {
    const scheme = { kind: 'shared_secret', header: 'x-secret', source: 'https://acme.test/docs' };
    const { authpipe, testing } = start({ providers: { acme: { webhooks: scheme } } });
    const { id } = await testing.connect(ref);
    await authpipe.putSecret(id, 'webhook', 'between us');
    const verify = (secret: string) =>
      authpipe.verifyProviderWebhook(ref, {
        headers: { 'x-secret': secret },
        body: '{"a":1}',
        secretName: 'webhook',
      });
    expect(await verify('between us')).toEqual({ a: 1 });
    await expect(verify('guessed')).rejects.toMatchObject({ code: 'webhook_invalid' });
    await authpipe.deleteSecret(id, 'webhook');
    await expect(authpipe.getSecret(id, 'webhook')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('says what it does not have', async () => {
    const { authpipe } = start();
    await expect(authpipe.listIntegrations()).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('GET /v1/integrations'),
    });
  });
});
