import type { OAuthCodeMethod } from '@authpipe/providers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { systemClock } from '../src/clock.js';
import { createLogger } from '../src/log/logger.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import type { OAuthTarget } from '../src/oauth/oauth.js';
import {
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import {
  HOSTILE_CLIENT,
  type HostileServer,
  hostileDefinition,
  json,
  startHostileServer,
} from './support/hostile-server.js';

const STATE = 'state_of_at_least_22_characters';
const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:one';
const PUSHED = json({ request_uri: REQUEST_URI, expires_in: 60 }, 201);

let server: HostileServer;
beforeEach(async () => {
  server = await startHostileServer();
  server.handle('/par', PUSHED);
});
afterEach(() => server.close());

const offer = (more: Record<string, unknown> = {}) =>
  server.discover({ pushed_authorization_request_endpoint: `${server.issuer}/par`, ...more });
const demand = () => offer({ require_pushed_authorization_requests: true });

const targetOf = (change: Partial<OAuthCodeMethod> = {}): OAuthTarget => ({
  ...hostileDefinition(change),
  config: { domain: server.host },
  client: HOSTILE_CLIENT,
});

const ask = async (target = targetOf()) => {
  const oauth = createOAuth({ allowLoopback: true, clock: systemClock, log: createLogger('silent') });
  const { url } = await oauth.authorizationUrl(target, {
    redirectUri: 'http://authpipe.test/connect/callback',
    state: STATE,
    nonce: 'nonce_1',
    codeVerifier: 'v'.repeat(43),
    scopes: ['openid', 'profile'],
  });
  return Object.fromEntries(url.searchParams);
};

describe('a request that is pushed', () => {
  it('leaves no more than a reference in the address, and proves who asks', async () => {
    offer();
    expect(await ask()).toEqual({ client_id: 'client_1', request_uri: REQUEST_URI });
    const [heard] = server.heardAt('/par');
    expect(heard?.authorization).toMatch(/^Basic /);
    expect(Object.fromEntries(new URLSearchParams(heard?.body))).toEqual({
      client_id: 'client_1',
      response_type: 'code',
      redirect_uri: 'http://authpipe.test/connect/callback',
      scope: 'openid profile',
      state: STATE,
      nonce: 'nonce_1',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('is not made where nobody offers it', async () => {
    expect(await ask()).toMatchObject({ state: STATE, code_challenge_method: 'S256' });
    expect(server.heardAt('/par')).toEqual([]);
  });

  const refusals = [
    ['is away', json({}, 503)],
    ['is not for this client', json({ error: 'unauthorized_client' }, 403)],
    ['gives no reference', json({ expires_in: 60 }, 201)],
    ['answers 200', json({ request_uri: REQUEST_URI, expires_in: 60 })],
  ] as const;

  it.each(refusals)('goes with the person where the endpoint is offered and %s', async (_what, answer) => {
    offer();
    server.handle('/par', answer);
    expect(await ask()).toMatchObject({ state: STATE, scope: 'openid profile' });
  });

  it.each(refusals)('keeps the person here where it is demanded and %s', async (_what, answer) => {
    demand();
    server.handle('/par', answer);
    await expect(ask()).rejects.toMatchObject({ name: 'TokenRequestError' });
  });

  it('keeps the person here where it is demanded and no endpoint is told', async () => {
    server.discover({ require_pushed_authorization_requests: true });
    await expect(ask()).rejects.toMatchObject({ verdict: { outcome: 'configuration' } });
  });
});

describe('connecting', () => {
  let world: ConnectWorld;
  const signing = hostileDefinition({ clientAuthentication: 'private_key_jwt' }).definition;
  beforeAll(async () => {
    world = await startConnectWorld({ definition: signing });
    await world.setUp();
  });
  afterAll(() => world.close());

  it('works by a pushed request: nothing of it passes through the browser', async () => {
    const browser = createBrowser();
    const made = await newSession(world, { integrations: ['okta'] });
    const hosted = await pressButton(world, browser, made);
    await signInAt(await hosted.submit({ button: 'Continue' }));
    expect((await stateOf(world, made)).status).toBe('complete');
    const sent = browser.visited.find((url) => url.includes('/oauth2/v1/authorize?')) ?? '';
    expect([...new URL(sent).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
  });

  it('works by a key instead of a secret: each endpoint gets a proof made out to it', async () => {
    const { record } = await world.integrations.putIntegration({
      ...{ environment: ENVIRONMENT, tenantId: null, integrationId: 'signing' },
      request: { provider: 'hostile', clientId: 'client_1', config: { domain: server.host } },
    });
    const keys = createLocalJWKSet({ keys: [{ ...record.clientJwk }] } as JSONWebKeySet);
    offer();
    server.handle('/par', async (heard, response) => {
      const pushed = new URLSearchParams(heard.body);
      server.handle('/authorize', (_heard, back) => {
        const callback = new URL(pushed.get('redirect_uri') ?? '');
        callback.search = new URLSearchParams({ code: 'c', state: pushed.get('state') ?? '' }).toString();
        back.writeHead(303, { location: callback.href }).end();
      });
      server.handle(
        '/token',
        json(await server.grant({ id_token: await server.idToken({ nonce: pushed.get('nonce') }) })),
      );
      await PUSHED(heard, response);
    });
    const made = await newSession(world, { userId: 'user_signing', integrations: ['signing'] });
    const hosted = await pressButton(world, createBrowser(), made, { integration: 'signing' });
    expect((await hosted.submit({ button: 'Continue' })).text).toContain('is connected');
    for (const path of ['/par', '/token']) {
      const [heard] = server.heardAt(path);
      const form = new URLSearchParams(heard?.body);
      const audience = `${server.issuer}${path}`;
      await jwtVerify(form.get('client_assertion') ?? '', keys, { audience, subject: 'client_1' });
      expect(heard?.authorization).toBeUndefined();
      expect(form.has('client_secret')).toBe(false);
    }
  });
});
