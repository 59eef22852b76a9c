import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Org } from '../src/org/index.js';
import { createBrowser } from '../src/walk/index.js';
import { CLIENT_ID, CLIENT_SECRET, ConnectedApp, newBrowser, startTestOrg } from './connected-app.js';

const DEAD = { status: 400, json: { error: 'invalid_grant' } };

let org: Org;
let app: ConnectedApp;

beforeAll(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
beforeEach(() => org.control.reset());
afterAll(() => org.close());

/** Calls the control as a script would. */
function control(action: string, body: object = {}, headers: Record<string, string> = {}) {
  return app.send(`/control/api/${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

describe('grants', () => {
  test('are listed with person, app, scopes and the end of the refresh token', async () => {
    const { refresh_token } = await app.connect('grace@acme.test', 'openid offline_access okta.users.read');
    const { exp } = (await app.introspect(refresh_token)).json;
    expect(org.control.listGrants()).toEqual([
      expect.objectContaining({
        userEmail: 'grace@acme.test',
        clientId: CLIENT_ID,
        scopes: ['openid', 'offline_access', 'okta.users.read'],
        refreshTokenEndsAtSeconds: exp,
        accessTokens: 1,
        refreshTokens: 1,
      }),
    ]);
  });

  test.each(['grantId', 'user', 'all'] as const)('are revoked by %s, with every token', async (by) => {
    const ada = await app.connect('ada@acme.test');
    const grace = await app.connect('grace@acme.test');
    const graceGrant = org.control.listGrants().find((grant) => grant.userEmail === 'grace@acme.test');
    const selection = {
      grantId: { grantId: graceGrant?.id },
      user: { user: 'grace@acme.test' },
      all: { all: true },
    }[by];

    expect(await control('grants/revoke', selection)).toMatchObject({
      json: { revoked: by === 'all' ? 2 : 1 },
    });

    expect(await app.refresh(grace.refresh_token)).toMatchObject(DEAD);
    expect((await app.api('/api/v1/users', grace.access_token)).status).toBe(401);
    expect((await app.refresh(ada.refresh_token)).status).toBe(by === 'all' ? 400 : 200);
  });

  test('end-access-tokens ends access tokens and leaves refresh tokens', async () => {
    const tokens = await app.connect();
    expect(await control('grants/end-access-tokens')).toMatchObject({ json: { ended: 1 } });
    expect((await app.api('/api/v1/users', tokens.access_token)).status).toBe(401);
    expect((await app.refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('people', () => {
  test.each(['suspend', 'deactivate'])(
    '%s ends their tokens and refuses their sign-in, until reactivated',
    async (action) => {
      const tokens = await app.connect('ada@acme.test');
      await control(`people/${action}`, { user: 'ada@acme.test' });

      expect(await app.refresh(tokens.refresh_token)).toMatchObject(DEAD);
      expect((await app.api('/api/v1/users', tokens.access_token)).status).toBe(401);
      const signIn = await newBrowser().open(app.authorizeUrl());
      const refused = await signIn.submit({ button: 'person=ada@acme.test' });
      expect(refused.status).toBe(401);
      expect(refused.text).toContain('Unable to sign in');

      await control('people/reactivate', { user: 'ada@acme.test' });
      expect(await app.refresh(tokens.refresh_token)).toMatchObject(DEAD);
      expect((await app.connect('ada@acme.test')).access_token).toEqual(expect.any(String));
    },
  );

  test('a suspended person who is still signed in cannot consent either', async () => {
    const browser = newBrowser();
    await app.authorize('ada@acme.test', {}, browser);
    org.control.suspendUser('ada@acme.test');
    const page = await browser.open(app.authorizeUrl());
    expect(page.title).not.toContain('Allow');
    expect(page.url.searchParams.has('code')).toBe(false);
  });
});

describe('the app', () => {
  test('a broken secret is invalid_client, the grant lives on and works once it is restored', async () => {
    const tokens = await app.connect();
    await control('apps/break-secret');
    expect(await app.refresh(tokens.refresh_token)).toMatchObject({
      status: 401,
      json: { error: 'invalid_client', error_description: expect.stringContaining('client secret') },
    });
    await control('apps/restore-secret', { clientId: CLIENT_ID });
    expect((await app.refresh(tokens.refresh_token)).status).toBe(200);
  });

  test('a deactivated app is invalid_client, and its grants are gone for good', async () => {
    const tokens = await app.connect();
    await control('apps/deactivate');
    expect(await app.refresh(tokens.refresh_token)).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    });
    expect((await app.api('/api/v1/users', tokens.access_token)).status).toBe(401);
    expect((await newBrowser().open(app.authorizeUrl())).status).toBe(400);
    await control('apps/reactivate');
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(DEAD);
  });
});

describe('settings, clock and counters', () => {
  test('settings are changed together or one by one, and refused with a reason', async () => {
    expect(await control('tokens/settings', { rotation: 'ROTATE', graceSeconds: 5 })).toMatchObject({
      json: { accessTokenLifetimeSeconds: 3600, rotation: 'ROTATE', graceSeconds: 5 },
    });
    expect(await control('tokens/settings', { graceSeconds: 61 })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('0 to 60') },
    });
    expect(org.control.settings().graceSeconds).toBe(5);
  });

  test('the clock is moved forward, never back', async () => {
    const before = org.control.nowMillis();
    await control('clock/move', { seconds: 90 * 86_400 });
    expect(org.control.nowMillis() - before).toBeGreaterThanOrEqual(90 * 86_400_000);
    expect(await control('clock/move', { seconds: -1 })).toMatchObject({ status: 400 });
  });

  test('counters tell what the org was asked', async () => {
    const tokens = await app.connect();
    await app.refresh(tokens.refresh_token);
    await app.introspect(tokens.access_token);
    await app.revoke(tokens.access_token);
    await app.api('/api/v1/users/me', tokens.access_token);
    expect((await app.send('/control/api/counters')).json).toEqual({
      authorizeRequests: 1,
      tokenRequests: 2,
      codeExchanges: 1,
      refreshRequests: 1,
      introspections: 1,
      revocations: 1,
      userinfoRequests: 0,
      apiCalls: 1,
      familyRevocations: 0,
      faultsServed: 0,
    });
  });

  test('reset takes the org back to where it started', async () => {
    const tokens = await app.connect();
    org.control.setAdminRole('linus@acme.test', 'SUPER_ADMIN');
    org.control.moveClock(3600);
    org.control.setRotation('ROTATE');
    org.control.failNext({ kind: 'server_error' });
    await control('reset');
    const { json } = await app.send('/control/api/state');
    expect(json).toMatchObject({ grants: [], faults: [], settings: { rotation: 'STATIC' } });
    expect(org.control.listPeople().map((person) => person.adminRole)).toEqual([
      'SUPER_ADMIN',
      'READ_ONLY_ADMIN',
      'NONE',
    ]);
    expect(Math.abs(org.control.nowMillis() - Date.now())).toBeLessThan(60_000);
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(DEAD);
  });

  test('mistakes are answered with what to give instead', async () => {
    expect((await control('people/suspend', { user: 'bob@acme.test' })).json.error).toContain(
      'ada@acme.test',
    );
    expect((await control('grants/revoke')).json.error).toContain('grantId, user, or all');
    expect(await control('no/such')).toMatchObject({ status: 404 });
  });
});

describe('the page', () => {
  test('does with buttons what the API does, and says what it did', async () => {
    const tokens = await app.connect();
    const page = await createBrowser().open(`${org.url}/control`);
    expect(page.text).toContain('ada@acme.test');
    const after = await page.submit({ button: 'Revoke the grant of ada@acme.test' });
    expect(after.text).toContain('Revoked.');
    expect(after.text).toContain('No app has access.');
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(DEAD);
  });

  test('sets a role, a fault and the settings from its forms', async () => {
    const browser = createBrowser();
    let page = await browser.open(`${org.url}/control`);
    page = await page.submit({ button: 'Set the role of Grace Hopper', fields: { adminRole: 'NONE' } });
    page = await page.submit({
      form: 'form[action$="faults/add"]',
      fields: { kind: 'server_error', times: '2' },
    });
    page = await page.submit({ button: 'Save', fields: { rotation: 'ROTATE', graceSeconds: '0' } });
    expect(page.status).toBe(200);
    expect(org.control.listPeople()[1]?.adminRole).toBe('NONE');
    expect(org.control.pendingFaults()).toEqual([
      { kind: 'server_error', path: '/oauth2/v1/token', remaining: 2 },
    ]);
    expect(org.control.settings()).toMatchObject({ rotation: 'ROTATE', graceSeconds: 0 });
  });

  test('shows a mistake on the page', async () => {
    const page = await createBrowser().open(`${org.url}/control`);
    const again = await page.submit({ button: 'Save', fields: { graceSeconds: '99' } });
    expect(again.status).toBe(400);
    expect(again.text).toContain('0 to 60');
  });

  test('never shows the app’s secret or a token', async () => {
    const tokens = await app.connect();
    org.control.breakClientSecret();
    const texts = [(await app.send('/control')).text, (await app.send('/control/api/state')).text];
    for (const secret of [CLIENT_SECRET, tokens.access_token, tokens.refresh_token ?? '']) {
      for (const text of texts) expect(text).not.toContain(secret);
    }
  });
});

describe('who may use the control', () => {
  test('no page of another site', async () => {
    expect(await control('reset', {}, { Origin: 'http://evil.test' })).toMatchObject({ status: 403 });
    expect(await control('reset', {}, { Origin: org.url })).toMatchObject({ status: 200 });
  });

  test('nobody under a foreign name that resolves to this machine', async () => {
    const { port } = new URL(org.url);
    const status = await new Promise((resolve, reject) => {
      const call = request(
        { host: '127.0.0.1', port, path: '/control/api/state', headers: { Host: `evil.test:${port}` } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      call.on('error', reject).end();
    });
    expect(status).toBe(403);
  });
});
