import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Org } from '../src/org/index.js';
import {
  CALLBACK,
  CLIENT_ID,
  CLIENT_SECRET,
  ConnectedApp,
  startTestOrg,
  type Tokens,
} from './connected-app.js';

const DAY = 86_400;
const REFRESH_TOKEN_DEAD = {
  status: 400,
  json: { error: 'invalid_grant', error_description: 'The refresh token is invalid or expired.' },
};

let org: Org;
let app: ConnectedApp;

beforeAll(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
beforeEach(() => org.control.reset());
afterAll(() => org.close());

async function isActive(token: string | undefined): Promise<unknown> {
  return (await app.introspect(token)).json.active;
}

describe('refreshing', () => {
  test('STATIC keeps the refresh token and makes another access token', async () => {
    const tokens = await app.connect();
    const { status, json } = await app.refresh(tokens.refresh_token);
    expect(status).toBe(200);
    expect(json.refresh_token).toBe(tokens.refresh_token);
    expect(json.access_token).not.toBe(tokens.access_token);
    expect(json.scope).toBe(tokens.scope);
  });

  test('ROTATE replaces the refresh token, and the old one works until the grace is over', async () => {
    org.control.setRotation('ROTATE');
    const tokens = await app.connect();
    const { json: second } = await app.refresh(tokens.refresh_token);
    expect(second.refresh_token).not.toBe(tokens.refresh_token);
    org.control.moveClock(29);
    expect(await app.refresh(tokens.refresh_token)).toMatchObject({ status: 200 });
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  test('using the old one during the grace does not prolong the grace', async () => {
    org.control.setRotation('ROTATE');
    const tokens = await app.connect();
    await app.refresh(tokens.refresh_token);
    org.control.moveClock(20);
    await app.refresh(tokens.refresh_token);
    org.control.moveClock(11);
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(REFRESH_TOKEN_DEAD);
  });

  test('using it after the grace revokes the family: the newest refresh token and every access token', async () => {
    org.control.setRotation('ROTATE');
    org.control.setGrace(0);
    const tokens = await app.connect();
    const { json } = await app.refresh(tokens.refresh_token);
    const newest = json as unknown as Tokens;
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(REFRESH_TOKEN_DEAD);
    expect(await app.refresh(newest.refresh_token)).toMatchObject(REFRESH_TOKEN_DEAD);
    for (const token of [tokens.access_token, newest.access_token]) {
      expect(await app.api('/api/v1/users/me', token)).toMatchObject({ status: 401 });
    }
    expect(org.control.counters().familyRevocations).toBe(1);
  });

  test('revoking one family leaves the same person’s other connections alone', async () => {
    org.control.setRotation('ROTATE');
    org.control.setGrace(0);
    const [one, other] = [await app.connect(), await app.connect()];
    await app.refresh(one.refresh_token);
    await app.refresh(one.refresh_token);
    expect(await app.refresh(other.refresh_token)).toMatchObject({ status: 200 });
  });

  test('asking for more scopes than were granted is access_denied', async () => {
    const tokens = await app.connect('ada@acme.test', 'openid offline_access okta.users.read');
    const answer = await app.refresh(tokens.refresh_token, { scope: 'openid okta.groups.read' });
    expect(answer).toMatchObject({ status: 400, json: { error: 'access_denied' } });
  });
});

describe('the ends of tokens', () => {
  test('an access token ends after its life and not before', async () => {
    const { access_token } = await app.connect();
    org.control.moveClock(3590);
    expect(await app.api('/api/v1/users/me', access_token)).toMatchObject({ status: 200 });
    org.control.moveClock(20);
    expect(await app.api('/api/v1/users/me', access_token)).toMatchObject({
      status: 401,
      json: { errorCode: 'E0000011' },
    });
    expect(await isActive(access_token)).toBe(false);
  });

  test.each(['STATIC', 'ROTATE'] as const)(
    '%s: a refresh token ends 90 days after sign-in, however often it was refreshed',
    async (mode) => {
      org.control.setRotation(mode);
      let { refresh_token } = await app.connect();
      const end = (await app.introspect(refresh_token)).json.exp;
      for (let day = 0; day < 89; day += 30) {
        const { status, json } = await app.refresh(refresh_token);
        expect(status).toBe(200);
        refresh_token = String(json.refresh_token);
        expect((await app.introspect(refresh_token)).json.exp).toBe(end);
        org.control.moveClock(Math.min(30, 89 - day) * DAY);
      }
      expect(await app.refresh(refresh_token)).toMatchObject({ status: 200 });
      org.control.moveClock(DAY + 1);
      expect(await app.refresh(refresh_token)).toMatchObject(REFRESH_TOKEN_DEAD);
    },
  );

  test('introspecting a refresh token tells its end, 90 days after it was issued', async () => {
    const { refresh_token } = await app.connect();
    const { json } = await app.introspect(refresh_token);
    expect(json).toMatchObject({ active: true, client_id: CLIENT_ID, username: 'ada@acme.test' });
    expect(Number(json.exp) - Number(json.iat)).toBe(90 * DAY);
  });

  test('a moved clock changes nothing about another org in the process', async () => {
    const other = await startTestOrg();
    try {
      const otherApp = new ConnectedApp(other);
      const { access_token } = await otherApp.connect();
      org.control.moveClock(100 * DAY);
      expect(await otherApp.api('/api/v1/users/me', access_token)).toMatchObject({ status: 200 });
      expect(Math.abs(Date.now() - other.control.nowMillis())).toBeLessThan(DAY * 1000);
    } finally {
      await other.close();
    }
  });

  test('an org on a clock of its own ends tokens by that clock', async () => {
    let now = Date.UTC(2031, 0, 1);
    const future = await startTestOrg({ clock: () => now });
    try {
      const futureApp = new ConnectedApp(future);
      const { access_token, refresh_token } = await futureApp.connect();
      expect((await futureApp.introspect(refresh_token)).json.exp).toBeGreaterThan(now / 1000 + 89 * DAY);
      now += 3599 * 1000;
      expect(await futureApp.api('/api/v1/users/me', access_token)).toMatchObject({ status: 200 });
      now += 2000;
      expect(await futureApp.api('/api/v1/users/me', access_token)).toMatchObject({ status: 401 });
    } finally {
      await future.close();
    }
  });

  test('a change of the access token’s life holds for the tokens issued after it', async () => {
    org.control.setAccessTokenLifetime(5);
    expect((await app.connect()).expires_in).toBe(5);
  });
});

describe('revoking', () => {
  test('revoking the refresh token ends its access tokens', async () => {
    const tokens = await app.connect();
    expect(await app.revoke(tokens.refresh_token)).toMatchObject({ status: 200, text: '' });
    expect(await isActive(tokens.access_token)).toBe(false);
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(REFRESH_TOKEN_DEAD);
  });

  test('revoking the access token leaves the refresh token alone', async () => {
    const tokens = await app.connect();
    expect(await app.revoke(tokens.access_token)).toMatchObject({ status: 200 });
    expect(await isActive(tokens.access_token)).toBe(false);
    expect(await app.refresh(tokens.refresh_token)).toMatchObject({ status: 200 });
  });

  test('an unknown token is answered with 200', async () => {
    expect(await app.revoke('nobody-knows-it')).toMatchObject({ status: 200 });
  });

  test('introspect and revoke need the app’s secret', async () => {
    const tokens = await app.connect();
    for (const path of ['/oauth2/v1/introspect', '/oauth2/v1/revoke']) {
      const form = { token: tokens.refresh_token ?? '' };
      expect(await app.post(path, form, 'wrong')).toMatchObject({
        status: 401,
        json: { error: 'invalid_client' },
      });
      const nameless = await app.send(path, {
        method: 'POST',
        body: new URLSearchParams({ ...form, client_id: CLIENT_ID }),
      });
      expect(nameless.status).toBe(401);
    }
    expect(await app.refresh(tokens.refresh_token)).toMatchObject({ status: 200 });
  });
});

describe('the token endpoint refuses in Okta’s words', () => {
  test('a wrong secret', async () => {
    const answer = await app.post(
      '/oauth2/v1/token',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      'wrong',
    );
    expect(answer).toMatchObject({
      status: 401,
      json: {
        error: 'invalid_client',
        error_description: 'The client secret supplied for a confidential client is invalid.',
      },
    });
  });

  test('an unknown refresh token', async () => {
    expect(await app.refresh('nobody-knows-it')).toMatchObject(REFRESH_TOKEN_DEAD);
  });

  test('a code used twice, which also ends what it had given', async () => {
    const callback = await app.authorize();
    const { json } = await app.exchange(callback);
    expect(await app.exchange(callback)).toMatchObject({
      status: 400,
      json: {
        error: 'invalid_grant',
        error_description: 'The authorization code is invalid or has expired.',
      },
    });
    expect(await isActive(String(json.access_token))).toBe(false);
  });

  test('a code after five minutes', async () => {
    const callback = await app.authorize();
    org.control.moveClock(301);
    expect(await app.exchange(callback)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('a wrong PKCE verifier', async () => {
    const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
    const callback = await app.authorize('ada@acme.test', { code_challenge, code_challenge_method: 'S256' });
    const answer = await app.exchange(callback, { code_verifier: 'x'.repeat(43) });
    expect(answer.json.error_description).toBe('PKCE verification failed.');
  });

  test('another redirect URI than the one asked with', async () => {
    const answer = await app.exchange(await app.authorize(), { redirect_uri: `${CALLBACK}/other` });
    expect(answer.json.error_description).toContain("The 'redirect_uri' does not match");
  });

  test('credentials sent in two ways at once', async () => {
    const answer = await app.refresh('x', { client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  });

  test('and takes the secret from the body as well as from the header', async () => {
    const { refresh_token = '' } = await app.connect();
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token,
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
    });
    expect(await app.send('/oauth2/v1/token', { method: 'POST', body })).toMatchObject({ status: 200 });
  });

  test('answers JSON even to a client that prefers HTML', async () => {
    const answer = await app.send('/oauth2/v1/token', {
      method: 'POST',
      headers: { Accept: 'text/html' },
      body: new URLSearchParams({ grant_type: 'refresh_token' }),
    });
    expect(answer.headers.get('Content-Type')).toContain('application/json');
    expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });
});

test('the org forgets nothing, however many tokens it has issued', async () => {
  const first = await app.connect('ada@acme.test', 'openid offline_access okta.users.read');
  for (let batch = 0; batch < 22; batch += 1) {
    await Promise.all(Array.from({ length: 50 }, () => app.refresh(first.refresh_token)));
  }
  expect(await isActive(first.access_token)).toBe(true);
  expect(await app.refresh(first.refresh_token)).toMatchObject({ status: 200 });
});
