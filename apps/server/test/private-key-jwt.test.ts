import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Integration } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { readClientKey } from '../src/integrations/client-key.js';
import type { OpenedClient } from '../src/integrations/integration-store.js';
import type { TokenTarget } from '../src/oauth/oauth.js';
import { describeEachEngine, openTestDatabase } from './support/databases.js';
import { hostileDefinition, json, startHostileServer } from './support/hostile-server.js';
import { type ServiceWorld, startServiceOrg, startServiceWorld } from './support/service-world.js';
import { ENVIRONMENT } from './support/world.js';

const CLIENT_ID = '0oaservice';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });

describeEachEngine('private_key_jwt', (open) => {
  let db: Database;
  let org: Org;
  let world: ServiceWorld;

  beforeAll(async () => {
    db = await open();
    org = await startServiceOrg([
      {
        clientId: CLIENT_ID,
        type: 'service',
        publicKeys: [],
        scopes: ['okta.users.read', 'okta.groups.read'],
      },
    ]);
    world = await startServiceWorld(db, { clock: { now: () => new Date(), move: () => {} } });
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });
  beforeEach(async () => {
    org.control.reset();
    await db.prisma.event.deleteMany();
    await db.prisma.connection.deleteMany();
    await db.prisma.integration.deleteMany();
  });

  const domain = () => new URL(org.url).host;
  const serviceApp = (more: object = {}) => ({
    ...{ provider: 'okta', authMethod: 'service_app', clientId: CLIENT_ID },
    config: { domain: domain() },
    ...more,
  });
  const put = async (more: object = {}) => {
    const { status, body } = await world.put('okta-service', serviceApp(more));
    expect([200, 201]).toContain(status);
    return body as Integration;
  };
  const keyOf = ({ jwks }: Integration) => jwks?.keys[0] ?? {};
  const register = (integration: Integration) =>
    org.control.setPublicKeys(CLIENT_ID, integration.jwks?.keys ?? []);
  const lend = () =>
    world.importAs({
      ...{ provider: 'okta', integration: 'okta-service', owner: 'tenant' },
      credential: { grant: 'client_credentials' },
    });
  const openClient = async (): Promise<OpenedClient> => {
    const place = { environment: ENVIRONMENT, tenantId: null, integrationId: 'okta-service' };
    const record = await world.node.integrations.getIntegration(place);
    if (!record) throw new Error('There is no integration.');
    return world.node.integrations.openClient(record);
  };

  describe('the key', () => {
    it('is made by Authpipe, which shows its public half alone', async () => {
      const integration = await put();
      expect(integration).toMatchObject({
        hasClientSecret: false,
        jwks: { keys: [{ kty: 'RSA', alg: 'RS256' }] },
      });
      const key = keyOf(integration);
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
      expect(createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails?.modulusLength).toBe(2048);
      expect((await world.getIntegration('okta-service')).body).toEqual(integration);
    });

    it('stays when the same is put again, and when the app gets another client ID or other scopes', async () => {
      const integration = await put();
      expect(await put()).toEqual(integration);
      const changed = await put({ clientId: '0oaother', scopes: ['okta.groups.read'] });
      expect(changed.jwks).toEqual(integration.jwks);
      // Sealed anew at the next version, it still opens.
      expect((await openClient()).clientKey).toMatchObject({ n: keyOf(integration).n, alg: 'RS256' });
    });

    it('is another one for another host: a key that one provider knows is not shown to another', async () => {
      const integration = await put();
      const moved = await put({ config: { domain: 'acme.okta.com' } });
      expect(keyOf(moved).kid).not.toBe(keyOf(integration).kid);
    });

    it.each([
      ['a JWK', rsa.privateKey.export({ format: 'jwk' }), rsa.publicKey, 'RS256'],
      ['PEM', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }), rsa.publicKey, 'RS256'],
      ['a JWK on P-256', ec.privateKey.export({ format: 'jwk' }), ec.publicKey, 'ES256'],
    ])('may be brought as %s', async (_, clientPrivateKey, publicKey, alg) => {
      const integration = await put({ clientPrivateKey });
      expect(keyOf(integration)).toMatchObject({ ...publicKey.export({ format: 'jwk' }), alg, use: 'sig' });
      expect(keyOf(integration)).not.toHaveProperty('d');
      expect(await put({ clientPrivateKey })).toEqual(integration);
      expect(await put()).toEqual(integration);
    });

    it('keeps the name and the algorithm that it was brought with', async () => {
      const jwk = { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'mine', alg: 'PS256' };
      expect(keyOf(await put({ clientPrivateKey: jwk }))).toMatchObject({ kid: 'mine', alg: 'PS256' });
    });

    it.each([
      ['too small', small.privateKey.export({ format: 'jwk' })],
      ['public', rsa.publicKey.export({ format: 'jwk' })],
      ['for another algorithm', { ...ec.privateKey.export({ format: 'jwk' }), alg: 'RS256' }],
      ['no key', '-----BEGIN PRIVATE KEY-----\nplanted-nonsense\n-----END PRIVATE KEY-----'],
    ])('is refused when it is %s, without a word of it', async (_, clientPrivateKey) => {
      const { status, body } = await world.put('okta-service', serviceApp({ clientPrivateKey }));
      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ pointer: '/clientPrivateKey' }]);
      expect(JSON.stringify(body)).not.toMatch(/planted|"d"|BEGIN/);
    });

    it('is instead of a secret, never beside one', async () => {
      const { body } = await world.put('okta-service', serviceApp({ clientSecret: 'a-secret' }));
      expect(body.errors).toMatchObject([{ pointer: '/clientSecret' }]);
      const web = { clientId: 'web', clientSecret: 'a-secret', config: { domain: domain() } };
      const refused = await world.put('okta', {
        ...web,
        clientPrivateKey: rsa.privateKey.export({ format: 'jwk' }),
      });
      expect(refused.body.errors).toMatchObject([{ pointer: '/clientPrivateKey' }]);
      const { body: plain } = await world.put('okta', web);
      expect(plain).toMatchObject({ hasClientSecret: true, jwks: null, dpop: false });
    });

    it('needs the host that assertions go to fixed beside it', async () => {
      const { body } = await world.put('okta-service', serviceApp({ config: {} }));
      expect(body.errors).toMatchObject([{ pointer: '/config/domain' }]);
    });

    it('is in no log, event, answer or plain bytes', async () => {
      const integration = await put();
      register(integration);
      const { body } = await lend();
      const { clientKey } = await openClient();
      const [d = '', p = ''] = [clientKey?.d, clientKey?.p];
      expect([d.length, p.length].every((length) => length > 100)).toBe(true);
      const { body: read } = await world.read(body.id);
      for (const text of [
        ...[world.logText(), await world.eventText(), await world.storedText()],
        ...[integration, body, read].map((each) => JSON.stringify(each)),
      ]) {
        expect(text).not.toContain(d);
        expect(text).not.toContain(p);
        expect(text).not.toContain('client_assertion');
      }
    });
  });

  describe('a service app', () => {
    it('connects without a person, and its token works at the org’s API', async () => {
      register(await put());
      const { status, body } = await lend();
      expect(status).toBe(201);
      expect(body).toMatchObject({
        status: 'healthy',
        authMethod: 'service_app',
        scopes: ['okta.users.read'],
      });
      const { body: credential } = await world.read(body.id);
      const answer = await fetch(new URL('/api/v1/users?limit=1', credential.baseUrl), {
        headers: credential.headers,
      });
      expect(answer.status).toBe(200);
      expect(await world.node.health.checkConnection(body.id, ENVIRONMENT)).toMatchObject({
        status: 'healthy',
      });
    });

    it('may ask for the scopes that an import names', async () => {
      register(await put());
      const { body } = await world.importAs({
        ...{ provider: 'okta', integration: 'okta-service', owner: 'tenant' },
        credential: { grant: 'client_credentials', scopes: ['okta.groups.read'] },
      });
      expect(body.scopes).toEqual(['okta.groups.read']);
    });

    it('signs each request anew: nothing is taken for a replay', async () => {
      register(await put());
      expect((await lend()).status).toBe(201);
      expect((await lend()).body).toMatchObject({ version: 2, status: 'healthy' });
    });

    it('is not stored while the org does not know its key', async () => {
      await put();
      const { body } = await lend();
      expect(body).toMatchObject({ code: 'integration_not_configured' });
      expect(await world.connectionCount()).toBe(0);
    });

    it('is not stored with scopes that nobody granted to it', async () => {
      register(await put({ scopes: ['okta.apps.read'] }));
      expect((await lend()).body).toMatchObject({ code: 'provider_error' });
      expect(await world.connectionCount()).toBe(0);
    });

    it('takes no client secret of a connection’s own, and says what to do', async () => {
      const { body } = await world.importAs({
        ...{ provider: 'okta', config: { domain: domain() } },
        credential: { clientId: CLIENT_ID, clientSecret: 'a-secret' },
      });
      expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/credential' }] });
      expect(body.detail).toContain('service_app');
    });

    it('is introspected and revoked with its key as well', async () => {
      register(await put());
      const { body } = await lend();
      const stored = await world.node.credentials.openCredential(body.id, ENVIRONMENT);
      if (stored?.secrets.kind !== 'client_credentials') throw new Error('There is no such connection.');
      const found = await world.node.findTarget(stored.connection, stored.secrets);
      if (!found) throw new Error('There is nobody to ask.');
      const { accessToken } = stored.secrets;
      const look = () => world.node.oauth.introspect(found.target, accessToken, 'access_token');
      expect(await look()).toMatchObject({ active: true });
      expect(await world.node.oauth.revoke(found.target, accessToken, 'access_token')).toBe(true);
    });
  });
});

describe('an assertion', () => {
  it('is made out to the endpoint that is asked, for a minute, with the key’s name', async () => {
    const server = await startHostileServer();
    const db = await openTestDatabase();
    try {
      const world = await startServiceWorld(db, { clock: { now: () => new Date(), move: () => {} } });
      const key = readClientKey({ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'k' });
      const { definition, method } = hostileDefinition({ clientAuthentication: 'private_key_jwt' });
      const target: TokenTarget = {
        ...{ definition, method, config: { domain: server.host } },
        client: { clientId: 'client_1', clientSecret: null, clientKey: key?.privateJwk ?? null },
      };
      server.handle('/introspect', json({ active: true }));
      server.handle('/revoke', json({}));
      await world.node.oauth.renew(target, { grant: 'refresh_token', refreshToken: 'rt' });
      await world.node.oauth.renew(target, { grant: 'client_credentials', scopes: ['a', 'b'] });
      await world.node.oauth.introspect(target, 'at', 'access_token');
      await world.node.oauth.revoke(target, 'at', 'access_token');
      const sent = server.heard.filter(({ method: verb }) => verb === 'POST');
      const ids = new Set<unknown>();
      for (const { path, body } of sent) {
        const form = new URLSearchParams(body);
        const assertion = form.get('client_assertion') ?? '';
        const publicKey = await importJWK(rsa.publicKey.export({ format: 'jwk' }), 'RS256');
        const { payload } = await jwtVerify(assertion, publicKey, { audience: `${server.issuer}${path}` });
        expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'RS256', kid: 'k' });
        expect(payload).toMatchObject({ iss: 'client_1', sub: 'client_1', aud: `${server.issuer}${path}` });
        expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(60);
        expect(form.has('client_secret')).toBe(false);
        ids.add(decodeJwt(assertion).jti);
      }
      expect(sent.map(({ path }) => path)).toEqual(['/token', '/token', '/introspect', '/revoke']);
      expect(new URLSearchParams(sent[1]?.body).get('scope')).toBe('a b');
      expect(ids.size).toBe(4);
    } finally {
      await server.close();
      await db.close();
    }
  });
});
