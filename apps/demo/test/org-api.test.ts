import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Org } from '../src/org/index.js';
import { ConnectedApp, startTestOrg } from './connected-app.js';

const INVALID_TOKEN = { status: 401, json: { errorCode: 'E0000011' } };
const NO_PERMISSION = { status: 403, json: { errorCode: 'E0000006' } };

let org: Org;
let app: ConnectedApp;

beforeAll(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
beforeEach(() => org.control.reset());
afterAll(() => org.close());

const listOf = (text: string): { id: string; profile: { login: string } }[] => JSON.parse(text);

describe('what a Super Admin’s token reads', () => {
  test('25 users, 6 groups and 8 apps', async () => {
    const { access_token } = await app.connect();
    for (const [path, count] of [
      ['users', 25],
      ['groups', 6],
      ['apps', 8],
    ] as const) {
      const answer = await app.api(`/api/v1/${path}`, access_token);
      expect(answer.status).toBe(200);
      expect(listOf(answer.text)).toHaveLength(count);
    }
  });

  test('one user by id or by login, and themselves as me', async () => {
    const { access_token } = await app.connect();
    const { json: me } = await app.api('/api/v1/users/me', access_token);
    expect(me).toMatchObject({ status: 'ACTIVE', profile: { login: 'ada@acme.test' } });
    expect((await app.api(`/api/v1/users/${String(me.id)}`, access_token)).json).toEqual(me);
    expect((await app.api('/api/v1/users/grace@acme.test', access_token)).status).toBe(200);
    expect(await app.api('/api/v1/users/nobody@acme.test', access_token)).toMatchObject({
      status: 404,
      json: { errorCode: 'E0000007' },
    });
  });

  test('pages of users, by following the Link header until there is no next', async () => {
    const { access_token } = await app.connect();
    const logins: string[] = [];
    let path: string | undefined = '/api/v1/users?limit=10';
    while (path !== undefined) {
      const answer = await app.api(path, access_token);
      logins.push(...listOf(answer.text).map((user) => user.profile.login));
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('Link') ?? '')?.[1];
    }
    expect(logins).toHaveLength(25);
    expect(new Set(logins).size).toBe(25);
  });

  test('a limit that is no number is a validation error', async () => {
    const { access_token } = await app.connect();
    expect(await app.api('/api/v1/users?limit=zero', access_token)).toMatchObject({
      status: 400,
      json: { errorCode: 'E0000001' },
    });
  });
});

describe('what the API refuses', () => {
  test('no token, a made-up token, a refresh token, and a token in the query', async () => {
    const { access_token, refresh_token = '' } = await app.connect();
    expect(await app.send('/api/v1/users')).toMatchObject(INVALID_TOKEN);
    expect(await app.api('/api/v1/users', 'made-up')).toMatchObject(INVALID_TOKEN);
    expect(await app.api('/api/v1/users', refresh_token)).toMatchObject(INVALID_TOKEN);
    expect(await app.send(`/api/v1/users?access_token=${access_token}`)).toMatchObject(INVALID_TOKEN);
  });

  test('a token without the scope: 403 with an empty body, the scope named in the header alone', async () => {
    const { access_token } = await app.connect('ada@acme.test', 'openid okta.users.read');
    const answer = await app.api('/api/v1/groups', access_token);
    expect(answer).toMatchObject({ status: 403, text: '' });
    const challenge = answer.headers.get('WWW-Authenticate');
    expect(challenge).toMatch(/^Bearer /);
    expect(challenge).toContain('scope="okta.groups.read"');
    expect(challenge).toContain('error="insufficient_scope"');
  });

  test('a person without an admin role, except on themselves', async () => {
    const { access_token } = await app.connect('linus@acme.test');
    for (const path of ['users', 'groups', 'apps', 'users/ada@acme.test']) {
      expect(await app.api(`/api/v1/${path}`, access_token)).toMatchObject(NO_PERMISSION);
    }
    const { status, json } = await app.api('/api/v1/users/me', access_token);
    expect(status).toBe(200);
    expect((await app.api(`/api/v1/users/${String(json.id)}`, access_token)).status).toBe(200);
  });

  test('a Read-only Admin nothing that is only read', async () => {
    const { access_token } = await app.connect('grace@acme.test');
    expect((await app.api('/api/v1/groups', access_token)).status).toBe(200);
  });

  test('a person whose admin role was taken away, while the token itself stays good', async () => {
    const { access_token, refresh_token } = await app.connect('grace@acme.test');
    org.control.setAdminRole('grace@acme.test', 'NONE');
    expect(await app.api('/api/v1/users', access_token)).toMatchObject(NO_PERMISSION);
    expect((await app.introspect(access_token)).json.active).toBe(true);
    expect((await app.refresh(refresh_token)).status).toBe(200);
  });

  test('a feature the org has not bought: 401 that is no dead token', async () => {
    const { access_token } = await app.connect();
    expect(await app.api('/api/v1/authorizationServers', access_token)).toMatchObject({
      status: 401,
      json: { errorCode: 'E0000015' },
    });
  });

  test('writing, which the sandbox does not do', async () => {
    expect(await app.send('/api/v1/users', { method: 'POST' })).toMatchObject({
      status: 405,
      json: { errorCode: 'E0000022' },
    });
  });
});

test('every answer tells the rate limit, its reset in epoch seconds, and the calls left', async () => {
  const { access_token } = await app.connect();
  const remaining: number[] = [];
  for (let call = 0; call < 2; call += 1) {
    const { headers } = await app.api('/api/v1/apps', access_token);
    expect(headers.get('X-Rate-Limit-Limit')).toBe('600');
    const resetSeconds = Number(headers.get('X-Rate-Limit-Reset'));
    expect(Math.abs(resetSeconds - Date.now() / 1000)).toBeLessThan(62);
    remaining.push(Number(headers.get('X-Rate-Limit-Remaining')));
  }
  expect(remaining[1]).toBe((remaining[0] ?? 0) - 1);
});

test('beyond the limit the API answers 429 E0000047 until the window is over', async () => {
  let now = Date.UTC(2031, 0, 1);
  const limited = await startTestOrg({ clock: () => now });
  try {
    const limitedApp = new ConnectedApp(limited);
    const { access_token } = await limitedApp.connect();
    const call = () => limitedApp.api('/api/v1/users/me', access_token);
    for (let batch = 0; batch < 6; batch += 1) await Promise.all(Array.from({ length: 100 }, call));
    const answer = await call();
    expect(answer).toMatchObject({ status: 429, json: { errorCode: 'E0000047' } });
    expect(answer.headers.get('X-Rate-Limit-Remaining')).toBe('0');
    now += 60_000;
    expect((await call()).status).toBe(200);
  } finally {
    await limited.close();
  }
});
