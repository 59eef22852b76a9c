import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import type { Org } from '../src/org/index.js';
import {
  ALL,
  CALLBACK,
  CLIENT_ID,
  CLIENT_SECRET,
  ConnectedApp,
  newBrowser,
  startTestOrg,
} from './connected-app.js';

let org: Org;
let app: ConnectedApp;

beforeAll(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
afterAll(() => org.close());

describe('connecting', () => {
  test('openid-client discovers the org, and gets through code, PKCE, ID token and userinfo', async () => {
    const config = await openid.discovery(new URL(org.url), CLIENT_ID, CLIENT_SECRET, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    const verifier = openid.randomPKCECodeVerifier();
    const authorizeUrl = openid.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: ALL,
      state: 'a-state',
      nonce: 'a-nonce',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const signIn = await newBrowser().open(authorizeUrl);
    const consent = await signIn.submit({
      fields: { username: 'grace@acme.test', password: 'sandbox' },
      button: 'sign-in=yes',
    });
    const callback = await consent.submit({ button: 'Allow access' });

    const tokens = await openid.authorizationCodeGrant(config, callback.url, {
      pkceCodeVerifier: verifier,
      expectedState: 'a-state',
      expectedNonce: 'a-nonce',
    });

    expect(tokens.claims()).toMatchObject({ iss: org.url, name: 'Grace Hopper', email: 'grace@acme.test' });
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: ALL });
    const subject = tokens.claims()?.sub ?? '';
    expect(await openid.fetchUserInfo(config, tokens.access_token, subject)).toMatchObject({
      sub: subject,
      preferred_username: 'grace@acme.test',
    });
  });

  test('both discovery documents name the endpoints as Okta does', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const { json } = await app.send(`/.well-known/${name}`);
      expect(json).toMatchObject({
        issuer: org.url,
        authorization_endpoint: `${org.url}/oauth2/v1/authorize`,
        token_endpoint: `${org.url}/oauth2/v1/token`,
        introspection_endpoint: `${org.url}/oauth2/v1/introspect`,
        revocation_endpoint: `${org.url}/oauth2/v1/revoke`,
        userinfo_endpoint: `${org.url}/oauth2/v1/userinfo`,
        jwks_uri: `${org.url}/oauth2/v1/keys`,
        end_session_endpoint: `${org.url}/oauth2/v1/logout`,
        pushed_authorization_request_endpoint: `${org.url}/oauth2/v1/par`,
      });
      expect(json).not.toHaveProperty('authorization_response_iss_parameter_supported');
    }
  });

  test('the org introduces itself without a token', async () => {
    const { status, json } = await app.send('/.well-known/okta-organization');
    expect(status).toBe(200);
    expect(json).toMatchObject({ _links: { organization: { href: org.url } } });
  });

  test('the callback carries no iss, as at Okta', async () => {
    const callback = await app.authorize();
    expect([...callback.url.searchParams.keys()].sort()).toEqual(['code', 'state']);
  });

  test('Cancel sends the person back with access_denied', async () => {
    const signIn = await newBrowser().open(app.authorizeUrl());
    const consent = await signIn.submit({ button: 'ada@acme.test' });
    const callback = await consent.submit({ button: 'Cancel' });
    expect(Object.fromEntries(callback.url.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'state-1',
    });
    expect(callback.url.searchParams.has('iss')).toBe(false);
  });

  test('a wrong password is refused on the page, and the right one then works', async () => {
    const signIn = await newBrowser().open(app.authorizeUrl());
    const fields = { username: 'ada@acme.test', password: 'wrong' };
    const again = await signIn.submit({ fields, button: 'sign-in=yes' });
    expect(again.status).toBe(401);
    expect(again.text).toContain('Unable to sign in');
    const consent = await again.submit({ fields: { password: 'sandbox' }, button: 'sign-in=yes' });
    expect(consent.text).toContain('Signed in as ada@acme.test');
  });

  test('the consent page lists what is asked for, and lets the person become another one', async () => {
    const browser = newBrowser();
    const consent = await (await browser.open(app.authorizeUrl())).submit({ button: 'ada@acme.test' });
    expect(consent.text).toContain('Read the users of this org okta.users.read');
    const signIn = await consent.submit({ button: 'Use another account' });
    const callback = await (await signIn.submit({ button: 'linus@acme.test' })).submit({
      button: 'Allow access',
    });
    const { json } = await app.exchange(callback);
    expect(await app.introspect(String(json.access_token))).toMatchObject({
      json: { username: 'linus@acme.test' },
    });
  });

  test('a person who is signed in is asked to consent only, and prompt=login lets another one sign in', async () => {
    const browser = newBrowser();
    await app.authorize('ada@acme.test', {}, browser);
    expect((await browser.open(app.authorizeUrl())).title).toContain('Allow Authpipe?');
    const signIn = await browser.open(app.authorizeUrl({ prompt: 'login' }));
    const consent = await signIn.submit({ button: 'grace@acme.test' });
    expect(consent.text).toContain('Signed in as grace@acme.test');
  });

  test('a page of a sign-in that another browser started says so', async () => {
    const signIn = await newBrowser().open(app.authorizeUrl());
    const stranger = await newBrowser().open(signIn.url);
    expect(stranger.status).toBe(400);
    expect(stranger.text).toContain('expired or was opened elsewhere');
  });

  test('an unknown redirect URI or app is never redirected to', async () => {
    for (const wrong of [{ redirect_uri: 'http://evil.test/' }, { client_id: '0oaunknown' }]) {
      const page = await newBrowser().open(app.authorizeUrl(wrong));
      expect(page.status).toBe(400);
      expect(page.url.origin).toBe(org.url);
    }
  });

  test('a pushed authorization request works, refresh token included', async () => {
    const { json: pushed } = await app.post('/oauth2/v1/par', {
      client_id: CLIENT_ID,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: ALL,
      state: 'pushed',
    });
    const url = `${org.url}/oauth2/v1/authorize?client_id=${CLIENT_ID}&request_uri=${encodeURIComponent(String(pushed.request_uri))}`;
    const consent = await (await newBrowser().open(url)).submit({ button: 'ada@acme.test' });
    const { json } = await app.exchange(await consent.submit({ button: 'Allow access' }));
    expect(json.refresh_token).toEqual(expect.any(String));
  });
});

describe('what the org refuses before anybody signs in', () => {
  test('a response type other than code, again without iss', async () => {
    const { url } = await newBrowser().open(app.authorizeUrl({ response_type: 'token' }));
    expect(url.hash).toContain('error=unsupported_response_type');
    expect(url.hash).not.toContain('iss=');
  });

  const errorOf = async (parameters: Record<string, string | undefined>) => {
    const page = await newBrowser().open(app.authorizeUrl(parameters));
    return page.url.searchParams.get('error');
  };

  test('a request without state, or with characters Okta does not take', async () => {
    expect(await errorOf({ state: undefined })).toBe('invalid_request');
    expect(await errorOf({ state: 'a:b' })).toBe('invalid_request');
  });

  test('a scope it does not know', async () => {
    expect(await errorOf({ scope: 'openid okta.everything.read' })).toBe('invalid_scope');
  });
});

describe('scopes', () => {
  test('without offline_access there is no refresh token', async () => {
    const tokens = await app.connect('ada@acme.test', 'openid okta.users.read');
    expect(tokens.refresh_token).toBeUndefined();
  });

  test('scopes that the app was not granted are left out without a word; with none left it is consent_required', async () => {
    const clients = [
      {
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        redirectUris: [CALLBACK],
        scopes: ['okta.users.read'],
      },
    ];
    const narrow = await startTestOrg({ clients });
    try {
      const narrowApp = new ConnectedApp(narrow);
      const tokens = await narrowApp.connect('ada@acme.test', 'openid okta.users.read okta.groups.read');
      expect(tokens.scope).toBe('openid okta.users.read');
      const page = await newBrowser().open(narrowApp.authorizeUrl({ scope: 'openid okta.groups.read' }));
      expect(page.url.searchParams.get('error')).toBe('consent_required');
    } finally {
      await narrow.close();
    }
  });

  test('a person without an admin role gets the same scopes as a Super Admin', async () => {
    expect((await app.connect('linus@acme.test')).scope).toBe((await app.connect('ada@acme.test')).scope);
  });
});
