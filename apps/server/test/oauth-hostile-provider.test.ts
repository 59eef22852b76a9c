import type { OAuthCodeMethod } from '@authpipe/providers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair, UnsecuredJWT } from 'jose';
import { systemClock } from '../src/clock.js';
import { createLogger } from '../src/log/logger.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import type { OAuthTarget } from '../src/oauth/oauth.js';
import { TokenRequestError } from '../src/oauth/token-request-error.js';
import {
  HOSTILE_CLIENT,
  type HostileServer,
  hostileDefinition,
  json,
  startHostileServer,
} from './support/hostile-server.js';

const STATE = 'state_of_at_least_22_characters';
const VERIFIER = 'v'.repeat(43);

let server: HostileServer;
beforeEach(async () => {
  server = await startHostileServer();
});
afterEach(() => server.close());

const open = (timeoutMillis = 5_000) =>
  createOAuth({ allowLoopback: true, clock: systemClock, log: createLogger('silent'), timeoutMillis });

const targetOf = (change: Partial<OAuthCodeMethod> = {}, domain = server.host): OAuthTarget => ({
  ...hostileDefinition(change),
  config: { domain },
  client: HOSTILE_CLIENT,
});

const callbackOf = (parameters: Record<string, string> = {}) => {
  const url = new URL('http://authpipe.test/connect/callback');
  url.search = new URLSearchParams({ code: 'code_1', state: STATE, ...parameters }).toString();
  return url;
};

const exchange = (
  parameters: Record<string, string> = {},
  { target = targetOf(), timeoutMillis = 5_000, expectedIssuer = server.issuer as string | null } = {},
) =>
  open(timeoutMillis).exchangeCode(target, {
    callbackUrl: callbackOf(parameters),
    expectedState: STATE,
    expectedNonce: 'nonce_1',
    codeVerifier: VERIFIER,
    expectedIssuer,
  });

const urlOf = (target = targetOf()) =>
  open().authorizationUrl(target, {
    redirectUri: 'http://authpipe.test/connect/callback',
    state: STATE,
    nonce: 'nonce_1',
    codeVerifier: VERIFIER,
    scopes: ['openid'],
  });

/** The error of a request, after a look that it tells nothing secret. */
const failureOf = async (request: Promise<unknown>): Promise<TokenRequestError> => {
  const error = await request.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TokenRequestError))
    throw new Error(`expected a TokenRequestError, got ${String(error)}`);
  expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(/at_1|rt_1|planted|code_1/);
  return error;
};
const outcomeOf = async (request: Promise<unknown>) => (await failureOf(request)).verdict.outcome;

describe('an answer of the token endpoint', () => {
  it('that is good gives the grant and the account', async () => {
    expect(await exchange()).toEqual({
      accessToken: 'at_1',
      refreshToken: 'rt_1',
      tokenType: 'Bearer',
      expiresInSeconds: 3600,
      refreshExpiresInSeconds: null,
      scopes: ['openid', 'profile'],
      account: { id: 'u1', name: 'Ada', email: 'ada@acme.test' },
    });
  });

  it('that redirects is not followed: the secret stays here', async () => {
    const other = await startHostileServer();
    server.handle(
      '/token',
      (_heard, response) => void response.writeHead(307, { location: `${other.issuer}/token` }).end(),
    );
    expect(await outcomeOf(exchange())).toBe('transient');
    expect(other.heard).toEqual([]);
    await other.close();
  });

  it('that is larger than a mebibyte is not read', async () => {
    server.handle('/token', json(await server.grant({ filler: 'x'.repeat(1_100_000) })));
    expect(await outcomeOf(exchange())).toBe('transient');
  });

  it('that never ends is given up', async () => {
    server.handle('/token', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"access_token":');
    });
    const error = await failureOf(exchange({}, { timeoutMillis: 300 }));
    expect(error.verdict).toMatchObject({ outcome: 'transient', reason: 'provider_down' });
    expect(error.message).toContain('did not answer in time');
  });

  it('that says 200 with an error is an error', async () => {
    server.handle('/token', json({ error: 'invalid_grant', error_description: 'PKCE verification failed.' }));
    expect(await outcomeOf(exchange())).toBe('code_rejected');
  });

  it('that is a page instead of JSON is trouble of the provider', async () => {
    server.handle('/token', (_heard, response) => void response.end('<h1>Sorry</h1>'));
    expect(await outcomeOf(exchange())).toBe('transient');
  });

  it('with a list of scopes, no token type, an expiry as text and status 201 is understood', async () => {
    const unusual = await server.grant({
      scope: ['openid', 'email'],
      token_type: undefined,
      expires_in: '600',
    });
    server.handle('/token', json(unusual, 201));
    expect(await exchange()).toMatchObject({
      scopes: ['openid', 'email'],
      tokenType: 'Bearer',
      expiresInSeconds: 600,
    });
  });

  it.each([-1, 0, null, 'soon'])(
    'that expires in %p falls back to the usual lifetime',
    async (expires_in) => {
      server.handle('/token', json(await server.grant({ expires_in })));
      expect((await exchange()).expiresInSeconds).toBe(3600);
    },
  );

  it('that nests the tokens is read by the definition', async () => {
    server.handle('/token', json({ ok: true, authed_user: await server.grant() }));
    const readTokenAnswer = (body: unknown) => (body as { authed_user: unknown }).authed_user;
    expect(await exchange({}, { target: targetOf({ readTokenAnswer }) })).toMatchObject({
      accessToken: 'at_1',
    });
  });

  it('of 429 says when to come back, by Retry-After or by the provider’s own header', async () => {
    server.handle('/token', json({ error: 'invalid_grant' }, 429, { 'retry-after': '17' }));
    const first = await failureOf(open().renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' }));
    expect(first).toMatchObject({ status: 429, retryAfterSeconds: 17, verdict: { outcome: 'transient' } });
    const reset = String(Math.floor(Date.now() / 1000) + 40);
    server.handle('/token', json({}, 429, { 'x-rate-limit-reset': reset }));
    const second = await failureOf(
      open().renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' }),
    );
    expect(second.retryAfterSeconds).toBeGreaterThan(30);
    expect(second.retryAfterSeconds).toBeLessThanOrEqual(41);
  });
});

describe('an ID token', () => {
  const exchangeWith = async (id_token: unknown) => {
    server.handle('/token', json(await server.grant({ id_token })));
    return outcomeOf(exchange());
  };

  it('with another nonce is refused', async () => {
    expect(await exchangeWith(await server.idToken({ nonce: 'nonce_2' }))).toBe('code_rejected');
  });
  it('without a nonce is refused', async () => {
    expect(await exchangeWith(await server.idToken({ nonce: undefined }))).toBe('code_rejected');
  });
  it('for another client is refused', async () => {
    expect(await exchangeWith(await server.idToken({ aud: 'client_2' }))).toBe('code_rejected');
  });
  it('of another issuer is refused', async () => {
    expect(await exchangeWith(await server.idToken({ iss: 'https://evil.test' }))).toBe('code_rejected');
  });
  it('that has expired is refused', async () => {
    const past = Math.floor(Date.now() / 1000) - 600;
    expect(await exchangeWith(await server.idToken({ iat: past, exp: past + 300 }))).toBe('code_rejected');
  });
  it('signed with another key is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    expect(await exchangeWith(await server.idToken({}, privateKey))).toBe('code_rejected');
  });
  it('without a signature (alg none) is refused', async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: server.issuer, aud: HOSTILE_CLIENT.clientId, sub: 'u1', nonce: 'nonce_1' };
    const unsigned = new UnsecuredJWT({ ...claims, iat: now, exp: now + 300 }).encode();
    expect(await exchangeWith(unsigned)).toBe('code_rejected');
  });
  it('whose at_hash is of another access token is refused', async () => {
    expect(await exchangeWith(await server.idToken({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }))).toBe(
      'code_rejected',
    );
  });
  it('that is missing is refused, where the provider is an OpenID provider', async () => {
    expect(await exchangeWith(undefined)).toBe('code_rejected');
  });
});

describe('an answer of a server in trouble', () => {
  it.each([
    ['an OAuth error', json({ error: 'temporarily_unavailable' }, 503), true],
    ['that it broke', json({ error: 'server_error' }, 500), false],
    ['nothing that can be read', json({ error: 17 }, 520), false],
  ])('that says %s tells, or does not tell, that nothing was done', async (_what, answer, saysWhy) => {
    server.handle('/token', answer);
    expect(await failureOf(exchange())).toMatchObject({ verdict: { outcome: 'transient' }, saysWhy });
    server.handle('/token', (_heard, response) => void response.writeHead(502).end('<h1>Bad gateway</h1>'));
    expect(await failureOf(exchange())).toMatchObject({ verdict: { outcome: 'transient' }, saysWhy: false });
  });
});

describe('a callback', () => {
  it('of another issuer (RFC 9207) is refused before the code is sent anywhere', async () => {
    expect(await outcomeOf(exchange({ iss: 'https://evil.test' }))).toBe('code_rejected');
    expect(server.heardAt('/token')).toEqual([]);
  });

  it('without iss is refused where the provider says that it sends it', async () => {
    server.discover({ authorization_response_iss_parameter_supported: true });
    expect(await outcomeOf(exchange())).toBe('code_rejected');
    expect(await exchange({ iss: server.issuer })).toMatchObject({ accessToken: 'at_1' });
  });

  it('with another state is refused', async () => {
    expect(await outcomeOf(exchange({ state: 'another_state_of_22_characters' }))).toBe('code_rejected');
    expect(server.heardAt('/token')).toEqual([]);
  });

  it('for a provider whose issuer is not the one it began with is refused', async () => {
    expect(await outcomeOf(exchange({}, { expectedIssuer: 'https://first.test' }))).toBe('code_rejected');
    expect(server.heardAt('/token')).toEqual([]);
  });
});

describe('discovery', () => {
  it('of an issuer that is not the host that was asked is refused', async () => {
    server.discover({ issuer: 'https://evil.test' });
    expect(await outcomeOf(urlOf())).toBe('configuration');
  });

  it.each(['token_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'userinfo_endpoint'])(
    'that puts the %s on another host is refused: the client secret goes to the integration’s own',
    async (endpoint) => {
      const other = await startHostileServer();
      server.discover({ [endpoint]: `${other.issuer}/token` });
      expect(
        await outcomeOf(open().renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' })),
      ).toBe('configuration');
      expect(other.heard).toEqual([]);
      await other.close();
    },
  );

  it('with an authorization endpoint that is no safe address is refused', async () => {
    server.discover({ authorization_endpoint: 'javascript:alert(1)' });
    expect(await outcomeOf(urlOf())).toBe('configuration');
    server.discover({ authorization_endpoint: 'http://evil.test/authorize' });
    expect(await outcomeOf(urlOf())).toBe('configuration');
  });

  it('of a provider that no longer knows S256 is refused', async () => {
    server.discover({ code_challenge_methods_supported: ['plain'] });
    expect(await outcomeOf(urlOf())).toBe('configuration');
  });

  it('is asked once for many requests at once, and again an hour later', async () => {
    let offsetMillis = 0;
    const clock = { now: () => new Date(Date.now() + offsetMillis) };
    const oauth = createOAuth({ allowLoopback: true, clock, log: createLogger('silent') });
    const look = () => oauth.introspect(targetOf(), 'at_1', 'access_token').catch(() => null);
    await Promise.all([look(), look(), look()]);
    expect(server.heardAt('/.well-known/openid-configuration')).toHaveLength(1);
    offsetMillis = 61 * 60 * 1000;
    await look();
    expect(server.heardAt('/.well-known/openid-configuration')).toHaveLength(2);
  });

  it('that failed is tried again by the next request', async () => {
    const oauth = open();
    server.handle('/.well-known/openid-configuration', json({}, 503));
    expect(await outcomeOf(oauth.renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' }))).toBe(
      'transient',
    );
    server.discover({});
    expect(
      (await oauth.renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' })).accessToken,
    ).toBe('at_1');
  });

  describe('of a host that speaks for another issuer', () => {
    const aliased = (confirmed: boolean): Partial<OAuthCodeMethod> => ({
      endpoints: {
        source: 'discovery',
        issuer: 'https://{domain}',
        metadataPath: '/.well-known/openid-configuration',
        issuerAlias: {
          path: '/.well-known/org',
          isIssuerHost: (host) => host.startsWith('localhost:'),
          confirms: (document, host) => confirmed && JSON.stringify(document).includes(host),
        },
      },
    });

    it('is believed when the issuer’s own host confirms it', async () => {
      const custom = await startHostileServer();
      custom.discover({ ...server.metadata });
      server.handle('/.well-known/org', json({ alternate: custom.host }));
      const { url, issuer } = await urlOf(targetOf(aliased(true), custom.host));
      expect(issuer).toBe(server.issuer);
      expect(url.origin).toBe(server.issuer);
      await custom.close();
    });

    it('is refused when that host knows nothing of it', async () => {
      const custom = await startHostileServer();
      custom.discover({ ...server.metadata });
      server.handle('/.well-known/org', json({ alternate: 'someone.else' }));
      expect(await outcomeOf(urlOf(targetOf(aliased(true), custom.host)))).toBe('configuration');
      await custom.close();
    });

    it('is refused when the issuer’s host may have no aliases, whatever that host says', async () => {
      const custom = await startHostileServer();
      custom.discover({ ...server.metadata, issuer: server.issuer.replace('localhost', '127.0.0.1') });
      server.handle('/.well-known/org', json({ alternate: custom.host }));
      expect(await outcomeOf(urlOf(targetOf(aliased(true), custom.host)))).toBe('configuration');
      expect(server.heard).toEqual([]);
      await custom.close();
    });
  });
});

describe('what is sent', () => {
  it('authenticates in the header and asks for no scope on a refresh', async () => {
    await open().renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_1' });
    const [heard] = server.heardAt('/token');
    expect(heard?.authorization).toMatch(/^Basic /);
    const body = new URLSearchParams(heard?.body);
    expect(Object.fromEntries(body)).toEqual({ grant_type: 'refresh_token', refresh_token: 'rt_1' });
  });

  it('authenticates in the body where the definition says so, and sends JSON and extra parameters', async () => {
    const target = targetOf({
      clientAuthentication: 'client_secret_post',
      tokenRequestFormat: 'json',
      tokenParams: { audience: 'https://{domain}/api/' },
    });
    await open().renew(target, { grant: 'refresh_token', refreshToken: 'rt_1' });
    const [heard] = server.heardAt('/token');
    expect(heard?.authorization).toBeUndefined();
    expect(heard?.contentType).toBe('application/json');
    expect(JSON.parse(heard?.body ?? '')).toMatchObject({
      client_secret: HOSTILE_CLIENT.clientSecret,
      audience: `https://${server.host}/api/`,
      refresh_token: 'rt_1',
    });
  });

  it('asks for a code, whatever a definition adds', async () => {
    const { url } = await urlOf(
      targetOf({ authorizationParams: { response_type: 'token', prompt: 'login' } }),
    );
    expect(url.searchParams.getAll('response_type')).toEqual(['code']);
    expect(url.searchParams.get('prompt')).toBe('login');
  });

  it('carries the PKCE verifier, and the challenge before it', async () => {
    const { url } = await urlOf();
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(url.searchParams.get('code_challenge')).toHaveLength(43);
    expect(url.searchParams.get('nonce')).toBe('nonce_1');
    await exchange();
    expect(new URLSearchParams(server.heardAt('/token')[0]?.body).get('code_verifier')).toBe(VERIFIER);
  });

  it('is nothing when the integration lacks its secret: the integration is at fault, not the grant', async () => {
    const target = { ...targetOf(), client: { clientId: 'client_1', clientSecret: null } };
    expect(await outcomeOf(open().renew(target, { grant: 'refresh_token', refreshToken: 'rt_1' }))).toBe(
      'integration',
    );
    expect(server.heardAt('/token')).toEqual([]);
  });
});

describe('a probe', () => {
  const probe = (scopes: string[], change: Partial<OAuthCodeMethod> = {}) =>
    open(300).probe(targetOf(change), { accessToken: 'at_1', tokenType: 'Bearer', scopes });

  it('asks introspection first', async () => {
    server.handle('/introspect', json({ active: true }));
    expect(await probe([])).toEqual({ result: 'ok', reason: null, by: 'introspection' });
    server.handle('/introspect', json({ active: false }));
    expect(await probe([])).toEqual({ result: 'dead', reason: 'revoked', by: 'introspection' });
  });

  it('goes on to userinfo where introspection is switched off, if the scope allows', async () => {
    server.handle('/introspect', json({}, 404));
    server.handle('/userinfo', json({ sub: 'u1' }));
    expect(await probe(['openid'])).toEqual({ result: 'ok', reason: null, by: 'userinfo' });
    server.handle('/userinfo', json({}, 401));
    expect(await probe(['openid'])).toMatchObject({ result: 'dead', by: 'userinfo' });
    expect(await probe([])).toMatchObject({ result: 'inconclusive', by: 'introspection' });
  });

  it('goes on to the API where nothing else says anything', async () => {
    server.discover({ introspection_endpoint: undefined, userinfo_endpoint: undefined });
    server.handle('/api/v1/users', json([]));
    expect(await probe(['okta.users.read'])).toMatchObject({ result: 'ok', by: 'request' });
    expect(await probe([])).toEqual({ result: 'inconclusive', reason: null, by: null });
  });

  it('concludes nothing from trouble of the provider, and asks no further', async () => {
    server.handle('/introspect', json({}, 503));
    server.handle('/userinfo', json({}, 401));
    expect(await probe(['openid'])).toMatchObject({ result: 'inconclusive', by: 'introspection' });
    server.handle('/introspect', () => undefined);
    expect(await probe(['openid'])).toMatchObject({ result: 'inconclusive', reason: 'provider_down' });
  });

  it('blames the integration when the provider refuses its client', async () => {
    server.handle('/introspect', json({ error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic' }));
    expect(await probe(['openid'])).toMatchObject({ result: 'degraded', reason: 'client_secret_invalid' });
  });
});
