import { createHash } from 'node:crypto';
import type { Credential } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, EmbeddedJWK, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { Org } from '../../demo/src/org/index.js';
import { createBrowser } from '../../demo/src/walk/index.js';
import type { Database } from '../src/db/database.js';
import { createAskResource } from '../src/oauth/ask-resource.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import { createDpopKey, type DpopKey } from '../src/oauth/dpop-key.js';
import { createDpopNonces } from '../src/oauth/dpop-nonces.js';
import { createProveKey } from '../src/oauth/dpop-proof.js';
import { createGuardedFetch } from '../src/oauth/guarded-fetch.js';
import type { OAuth, OAuthTarget, TokenGrant } from '../src/oauth/oauth.js';
import { systemRandomness } from '../src/randomness.js';
import { renewalKey, renewedSecrets, type TokenSecrets } from '../src/refresh/renewal.js';
import { newSession, recordingLog, startConnectWorld, walkThrough } from './support/connect-world.js';
import { describeEachEngine } from './support/databases.js';
import {
  HOSTILE_CLIENT,
  type HostileServer,
  hostileDefinition,
  json,
  startHostileServer,
} from './support/hostile-server.js';
import { oktaDefinition, oktaMethod } from './support/okta.js';
import { type ServiceWorld, startServiceOrg, startServiceWorld } from './support/service-world.js';
import { ENVIRONMENT } from './support/world.js';

const clock = { now: () => new Date() };
const proveKey = createProveKey({ clock, randomness: systemRandomness });

const verified = (proof: string) => jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] });

const publicOf = ({ kty, crv, x, y }: DpopKey): JWK => ({
  kty,
  ...{ crv: crv ?? '', x: x ?? '', y: y ?? '' },
});

describe('a proof', () => {
  it('is signed by the key it shows, for one request, and shows nothing private', async () => {
    const key = await createDpopKey();
    const url = 'https://api.example.com/v1/users?limit=1#top';
    const proof = proveKey(key, { method: 'get', url, nonce: 'n-1', accessToken: 'at_1' });
    const { payload, protectedHeader } = await verified(proof);
    expect(protectedHeader).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicOf(key) });
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/),
      htm: 'GET',
      htu: 'https://api.example.com/v1/users',
      iat: expect.any(Number),
      nonce: 'n-1',
      ath: createHash('sha256').update('at_1').digest('base64url'),
    });
    expect(proof).not.toContain(key.d);
  });

  it('has an id of its own each time, and names no token and no nonce where there is none', async () => {
    const key = await createDpopKey();
    const request = { method: 'POST', url: 'https://as.example.com/token', nonce: null };
    const [one, two] = await Promise.all([request, request].map((each) => verified(proveKey(key, each))));
    expect(one?.payload.jti).not.toBe(two?.payload.jti);
    expect(Object.keys(one?.payload ?? {}).sort()).toEqual(['htm', 'htu', 'iat', 'jti']);
  });

  it('is made by a key that no other connection has', async () => {
    const [one, two] = [await createDpopKey(), await createDpopKey()];
    expect(one.d).not.toBe(two.d);
  });
});

describe('the nonce', () => {
  let server: HostileServer;
  let oauth: OAuth;
  let key: DpopKey;
  const { definition, method } = hostileDefinition();
  const target = (): OAuthTarget => ({
    definition,
    method,
    config: { domain: server.host },
    client: HOSTILE_CLIENT,
  });
  const wantsNonce = (nonce: string | null, status = 400) =>
    json({ error: 'use_dpop_nonce' }, status, nonce === null ? {} : { 'dpop-nonce': nonce });
  const renew = () =>
    oauth.renew(target(), { grant: 'refresh_token', refreshToken: 'rt_1' }, { dpopKey: key });

  /** The proofs that the token endpoint was shown, in order. */
  const watchProofs = async (answer: (nonce: unknown, times: number) => ReturnType<typeof json>) => {
    const nonces: unknown[] = [];
    server.handle('/token', async (heard, response) => {
      const { payload } = await verified(heard.dpop ?? '');
      nonces.push(payload.nonce);
      return answer(payload.nonce, nonces.length)(heard, response);
    });
    return nonces;
  };

  beforeAll(async () => {
    server = await startHostileServer();
    key = await createDpopKey();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.heard.length = 0;
    oauth = createOAuth({ allowLoopback: true, clock, log: recordingLog().log });
  });

  it.each([400, 401])(
    'is sent at once when the server asks for it by %i, with a new proof',
    async (status) => {
      const good = json(await server.grant({ token_type: 'DPoP' }));
      const nonces = await watchProofs((nonce) => (nonce === 'n-1' ? good : wantsNonce('n-1', status)));
      expect(await renew()).toMatchObject({ tokenType: 'DPoP' });
      expect(nonces).toEqual([undefined, 'n-1']);
      expect(new Set(server.heardAt('/token').map(({ dpop }) => dpop)).size).toBe(2);
    },
  );

  it('is remembered for the next request, and replaced by whatever answer holds a newer one', async () => {
    const grant = await server.grant({ token_type: 'dpop' });
    const nonces = await watchProofs((nonce, times) =>
      nonce === undefined ? wantsNonce('n-1') : json(grant, 200, times === 2 ? { 'dpop-nonce': 'n-2' } : {}),
    );
    for (let round = 0; round < 3; round += 1) await renew();
    expect(nonces).toEqual([undefined, 'n-1', 'n-2', 'n-2']);
  });

  it('is tried once: a server that always wants another one is not asked again and again', async () => {
    const nonces = await watchProofs((_nonce, times) => wantsNonce(`n-${times}`));
    await expect(renew()).rejects.toMatchObject({ verdict: { outcome: 'use_dpop_nonce' } });
    expect(nonces).toEqual([undefined, 'n-1']);
  });

  it.each([
    ['none', null],
    ['words', 'not a nonce'],
    ['a long one', 'n'.repeat(600)],
  ])('is not tried without one that can be sent: %s', async (_, nonce) => {
    const nonces = await watchProofs(() => wantsNonce(nonce));
    await expect(renew()).rejects.toMatchObject({ verdict: { outcome: 'use_dpop_nonce' } });
    expect(nonces).toHaveLength(1);
  });

  it('belongs to one server: another origin is not sent it', () => {
    const nonces = createDpopNonces();
    nonces.note('authorization_server', 'https://one.example/token', { headers: { 'dpop-nonce': 'n-1' } });
    expect(nonces.latest('authorization_server', 'https://one.example/other')).toBe('n-1');
    expect(nonces.latest('authorization_server', 'https://two.example/token')).toBeNull();
    expect(nonces.latest('api', 'https://one.example/token')).toBeNull();
  });

  it('is not wanted of an integration without DPoP: the proof that is missing is a setting', async () => {
    server.handle('/token', json({ error: 'invalid_dpop_proof' }, 400));
    await expect(
      oauth.renew(target(), { grant: 'refresh_token', refreshToken: 'rt_1' }),
    ).rejects.toMatchObject({
      verdict: { outcome: 'configuration', detail: expect.stringContaining('dpop') },
    });
  });

  describe('of an API', () => {
    const ask = () =>
      createAskResource({
        guardedFetch: createGuardedFetch({ allowLoopback: true, log: recordingLog().log }),
        proveKey,
        nonces: createDpopNonces(),
      })(`${server.issuer}/me?full=1`, { accessToken: 'at_1', tokenType: 'DPoP', dpopKey: key });
    const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'api-1' };
    const shown = () => server.heardAt('/me').map(({ dpop }) => dpop ?? '');

    it('is sent at once, with the token’s hash and under the DPoP scheme', async () => {
      server.handle('/me', (heard, response) =>
        shown().length === 1 ? json({}, 401, challenge)(heard, response) : json({})(heard, response),
      );
      expect((await ask()).status).toBe(200);
      const [first, second] = await Promise.all(shown().map(verified));
      expect(first?.payload.nonce).toBeUndefined();
      expect(second?.payload).toMatchObject({
        ...{ nonce: 'api-1', htm: 'GET', htu: `${server.issuer}/me` },
        ath: createHash('sha256').update('at_1').digest('base64url'),
      });
      expect(server.heardAt('/me').map(({ authorization }) => authorization)).toEqual([
        'DPoP at_1',
        'DPoP at_1',
      ]);
    });

    it('is tried once', async () => {
      server.handle('/me', json({}, 401, challenge));
      expect((await ask()).status).toBe(401);
      expect(shown()).toHaveLength(2);
    });

    it('is no reason to ask again when the token was refused', async () => {
      const refused = { 'www-authenticate': 'DPoP error="invalid_token"', 'dpop-nonce': 'api-1' };
      server.handle('/me', json({}, 401, refused));
      await ask();
      expect(shown()).toHaveLength(1);
    });
  });
});

describe('the key of a connection', () => {
  const oauthSecrets: TokenSecrets = { kind: 'oauth2', accessToken: 'at', refreshToken: 'rt' };
  const bound = (dpop: boolean) => ({ integration: { dpop } });

  it('is made once, and kept with the tokens', async () => {
    const made = await renewalKey(oauthSecrets, bound(true), createDpopKey);
    const grant = { accessToken: 'at_2', refreshToken: null };
    const renewed = renewedSecrets(oauthSecrets, grant, made);
    expect(renewed).toEqual({ kind: 'oauth2', accessToken: 'at_2', refreshToken: 'rt', dpopKey: made });
    expect(await renewalKey(renewed, bound(true), createDpopKey)).toBe(made);
  });

  it('proves nothing where the integration does not bind tokens, and is not forgotten', async () => {
    const dpopKey = await createDpopKey();
    const secrets = { ...oauthSecrets, dpopKey };
    expect(await renewalKey(secrets, bound(false), createDpopKey)).toBeUndefined();
    expect(await renewalKey(secrets, { integration: null }, createDpopKey)).toBeUndefined();
    expect(renewedSecrets(secrets, { accessToken: 'at_2', refreshToken: null }, undefined)).toMatchObject({
      dpopKey,
    });
  });
});

/** The proof that an app makes for a call, with what the credential gives it. */
const proofOfApp = async ({ credential, fields }: Credential, url: URL): Promise<string> => {
  const jwk = JSON.parse(fields?.dpopPrivateKey ?? '') as DpopKey;
  return new SignJWT({
    ...{ htm: 'GET', htu: `${url.origin}${url.pathname}`, jti: systemRandomness.bytes(16).toString('hex') },
    ath: createHash('sha256').update(credential).digest('base64url'),
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicOf(jwk) })
    .setIssuedAt()
    .sign(await importJWK({ ...publicOf(jwk), d: jwk.d }, 'ES256'));
};

const CALLBACK = 'http://app.localhost:1/connect/callback';
const WEB = { clientId: '0oaweb', clientSecret: 'planted-client-secret' };
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'okta.users.read'];

describeEachEngine('DPoP at an org that demands it', (open) => {
  let db: Database;
  let org: Org;
  let world: ServiceWorld;

  beforeAll(async () => {
    db = await open();
    org = await startServiceOrg([
      { clientId: '0oaservice', type: 'service', publicKeys: [], dpop: true },
      { ...WEB, redirectUris: [CALLBACK], dpop: true },
    ]);
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
    world = await startServiceWorld(db, { clock: { now: () => new Date(), move: () => {} } });
  });

  const config = () => ({ domain: new URL(org.url).host });
  const target = (): OAuthTarget => ({
    ...{ definition: oktaDefinition, method: oktaMethod, config: config() },
    client: WEB,
  });

  const setUpServiceApp = async (dpop = true) => {
    const { body } = await world.put('okta-service', {
      ...{ provider: 'okta', authMethod: 'service_app', clientId: '0oaservice', config: config(), dpop },
    });
    org.control.setPublicKeys('0oaservice', body.jwks.keys);
    return body;
  };
  const lend = () =>
    world.importAs({
      ...{ provider: 'okta', integration: 'okta-service' },
      credential: { grant: 'client_credentials' },
    });

  const signIn = async (dpopKey: DpopKey | undefined): Promise<TokenGrant> => {
    const { oauth } = world.node;
    const [state = '', nonce = '', codeVerifier = ''] = [0, 1, 2].map(() =>
      systemRandomness.bytes(32).toString('base64url'),
    );
    const trip = { redirectUri: CALLBACK, state, nonce, codeVerifier, scopes: SCOPES };
    const { url, issuer } = await oauth.authorizationUrl(target(), trip);
    const browser = createBrowser({ stopAt: (at) => at.href.startsWith(CALLBACK) });
    const consent = await (await browser.open(url)).submit({ button: 'person=ada@acme.test' });
    const callback = await consent.submit({ button: 'Allow access' });
    return oauth.exchangeCode(target(), {
      ...{ callbackUrl: callback.url, expectedState: state, expectedNonce: nonce, codeVerifier },
      ...{ expectedIssuer: issuer, dpopKey },
    });
  };

  it('gives a service app a token that works with a new proof of the connection’s key, and in no other way', async () => {
    expect(await setUpServiceApp()).toMatchObject({ dpop: true });
    const { status, body: connection } = await lend();
    expect(status).toBe(201);
    const { body } = await world.read(connection.id);
    const credential = body as Credential;
    expect(credential).toMatchObject({
      tokenType: 'DPoP',
      headers: { authorization: `DPoP ${credential.credential}` },
    });
    expect(Object.keys(credential.headers)).toEqual(['authorization']);
    expect(Object.keys(credential.fields ?? {})).toEqual(['dpopPrivateKey']);
    const url = new URL('/api/v1/users?limit=1', org.url);
    const dpop = await proofOfApp(credential, url);
    const ask = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
    expect(await ask({ ...credential.headers, dpop })).toBe(200);
    expect(await ask({ ...credential.headers, dpop })).toBe(401);
    expect(await ask(credential.headers)).toBe(401);
    expect(await ask({ authorization: `Bearer ${credential.credential}` })).toBe(401);
    const other = { ...credential, fields: { dpopPrivateKey: JSON.stringify(await createDpopKey()) } };
    expect(await ask({ ...credential.headers, dpop: await proofOfApp(other, url) })).toBe(401);
  });

  it('gives nothing to an integration that does not say dpop, and stores nothing', async () => {
    await setUpServiceApp(false);
    expect((await lend()).body).toMatchObject({
      code: 'provider_error',
      detail: expect.stringContaining('dpop'),
    });
    expect(await world.connectionCount()).toBe(0);
  });

  it('repeats a request for the org’s nonce once, with a new assertion, and remembers the nonce', async () => {
    await setUpServiceApp();
    org.control.setDpopNonce(true);
    org.control.resetCounters();
    expect((await lend()).status).toBe(201);
    expect(org.control.counters().tokenRequests).toBe(2);
    expect((await lend()).status).toBe(201);
    expect(org.control.counters().tokenRequests).toBe(3);
  });

  it('is probed with proofs', async () => {
    await setUpServiceApp();
    const { body } = await lend();
    org.control.resetCounters();
    expect(await world.node.health.checkConnection(body.id, ENVIRONMENT)).toMatchObject({
      status: 'healthy',
    });
    expect(org.control.counters().apiCalls).toBe(1);
    const stored = await world.node.credentials.openCredential(body.id, ENVIRONMENT);
    if (stored?.secrets.kind !== 'client_credentials') throw new Error('There is no such connection.');
    const found = await world.node.findTarget(stored.connection, stored.secrets);
    const { accessToken } = stored.secrets;
    const token = { accessToken, tokenType: 'DPoP', scopes: ['okta.users.read'] };
    if (!found) throw new Error('There is nobody to ask.');
    expect(await world.node.oauth.probe(found.target, token)).toMatchObject({ result: 'dead' });
  });

  it('keeps the key sealed, and out of log, events and answers without a credential', async () => {
    const integration = await setUpServiceApp();
    const { body } = await lend();
    const { body: credential } = await world.read(body.id);
    const { d } = JSON.parse(credential.fields.dpopPrivateKey) as DpopKey;
    expect(d).toHaveLength(43);
    for (const text of [
      ...[world.logText(), await world.eventText(), await world.storedText()],
      ...[JSON.stringify(integration), JSON.stringify(body)],
    ]) {
      expect(text).not.toContain(d);
      expect(text).not.toContain(credential.credential);
    }
  });

  it('binds the tokens of a person from the code exchange on, also where a nonce is wanted', async () => {
    org.control.setDpopNonce(true);
    const dpopKey = await createDpopKey();
    const grant = await signIn(dpopKey);
    expect(grant).toMatchObject({
      tokenType: 'DPoP',
      account: { email: 'ada@acme.test', name: 'Ada Lovelace' },
    });
    expect(org.control.counters().codeExchanges).toBe(2);
    const renewal = { grant: 'refresh_token', refreshToken: grant.refreshToken ?? '' } as const;
    const next = await world.node.oauth.renew(target(), renewal, { dpopKey });
    expect(next.tokenType).toBe('DPoP');
    expect(org.control.counters().refreshRequests).toBe(1);
    const probed = { accessToken: next.accessToken, tokenType: 'DPoP', dpopKey, scopes: SCOPES };
    const onlyUserinfo = { ...target(), method: { ...oktaMethod, probes: [{ kind: 'userinfo' as const }] } };
    expect(await world.node.oauth.probe(onlyUserinfo, probed)).toMatchObject({
      result: 'ok',
      by: 'userinfo',
    });
    const thumbprint = await calculateJwkThumbprint(publicOf(dpopKey));
    const introspected = await fetch(new URL('/oauth2/v1/introspect', org.url), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${WEB.clientId}:${WEB.clientSecret}`)}` },
      body: new URLSearchParams({ token: next.accessToken }),
    });
    expect(await introspected.json()).toMatchObject({ active: true, cnf: { jkt: thumbprint } });
  });

  it('makes a new proof when a refresh whose answer was lost is repeated', async () => {
    org.control.setRotation('ROTATE');
    const dpopKey = await createDpopKey();
    const { refreshToken } = await signIn(dpopKey);
    const renewal = { grant: 'refresh_token', refreshToken: refreshToken ?? '' } as const;
    org.control.failNext({ kind: 'drop_answer' });
    const { oauth } = world.node;
    await expect(oauth.renew(target(), renewal, { dpopKey })).rejects.toMatchObject({
      verdict: { outcome: 'transient' },
    });
    expect(await oauth.renew(target(), renewal, { dpopKey })).toMatchObject({ tokenType: 'DPoP' });
    expect(org.control.counters()).toMatchObject({ refreshRequests: 2, familyRevocations: 0 });
  });

  it('refuses a refresh without a proof as a setting, not as a dead grant', async () => {
    const { refreshToken } = await signIn(await createDpopKey());
    await expect(
      world.node.oauth.renew(target(), { grant: 'refresh_token', refreshToken: refreshToken ?? '' }),
    ).rejects.toMatchObject({
      verdict: { outcome: 'configuration' },
    });
  });
});

describe('connecting through an integration with DPoP', () => {
  it.each([undefined, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'])(
    'keeps the key with the tokens, sealed (code challenge: %s)',
    async (codeChallenge) => {
      const world = await startConnectWorld();
      try {
        await world.setUp();
        await world.integrations.putIntegration({
          ...{ environment: ENVIRONMENT, tenantId: null, integrationId: 'okta' },
          request: { clientId: '0oaconnect', config: { domain: world.domain }, dpop: true },
        });
        const session = await newSession(world, codeChallenge === undefined ? {} : { codeChallenge });
        await walkThrough(world, session);
        if (codeChallenge !== undefined) {
          const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
          await world.connect.finishSession(ENVIRONMENT, session.id, verifier, null);
        }
        const { id } = await world.db.prisma.connection.findFirstOrThrow();
        const stored = await world.credentials.openCredential(id, ENVIRONMENT);
        expect(stored).toMatchObject({
          tokenType: 'DPoP',
          secrets: { kind: 'oauth2', dpopKey: { kty: 'EC', crv: 'P-256' } },
        });
        const d = stored && 'dpopKey' in stored.secrets ? stored.secrets.dpopKey?.d : undefined;
        expect(d).toHaveLength(43);
        expect(world.logLines.join('')).not.toContain(d);
      } finally {
        await world.close();
      }
    },
  );
});
