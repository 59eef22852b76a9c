import { listedConnections, type SessionPermission } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  startConnectWorld,
  stateOf,
  walkThrough,
} from './support/connect-world.js';

let world: ConnectWorld;
let users = 0;
let userId = '';

beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());
beforeEach(() => {
  users += 1;
  userId = `user_${users}`;
});

type More = Parameters<typeof newSession>[1];

/** A session of this test's user, who may list and disconnect. */
const settingsSession = (more: More = {}) =>
  newSession(world, { userId, permissions: ['list', 'disconnect'], ...more });

const connected = async (more: More = {}): Promise<string> => {
  const session = await newSession(world, { userId, ...more });
  await walkThrough(world, session);
  const { connection } = await stateOf(world, session);
  if (!connection) throw new Error('Nothing was connected.');
  return connection.id;
};

const ask = (method: 'GET' | 'DELETE', path: string, token: string, origin: string | null = APP_ORIGIN) =>
  fetch(`${world.publicUrl}/connect/connections${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(origin === null ? {} : { origin }) },
  });
const list = (token: string, origin?: string | null) => ask('GET', '', token, origin);
const disconnect = (id: string, token: string, origin?: string | null) =>
  ask('DELETE', `/${id}`, token, origin);
const listedIds = async (token: string) =>
  listedConnections.parse(await (await list(token)).json()).data.map(({ id }) => id);
const isThere = async (id: string) => (await world.connections.findRecord(id, ENVIRONMENT)) !== null;
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code];

describe('a session with the permission list', () => {
  it('sees its user’s connections, newest first, with why they are as they are and nothing secret', async () => {
    const first = await connected();
    const second = await connected({ label: 'work' });
    const { token } = await settingsSession({ permissions: ['list'] });
    const answer = await list(token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
    expect(data.map(({ id, label }) => [id, label])).toEqual([
      [second, 'work'],
      [first, 'default'],
    ]);
    expect(data[0]).toEqual({
      id: second,
      integration: 'okta',
      provider: 'okta',
      label: 'work',
      status: expect.any(String),
      reason: null,
      account: expect.objectContaining({ email: 'ada@acme.test' }),
      scopes: expect.any(Array),
      missingScopes: [],
    });
  });

  it('sees nobody else’s: no other user’s, no other tenant’s, not the tenant’s own', async () => {
    const own = await connected();
    await connected({ userId: `${userId}_other` });
    await connected({ tenantId: 'org_globex' });
    await connected({ owner: 'tenant', userId: undefined });
    expect(await listedIds((await settingsSession()).token)).toEqual([own]);
  });

  it('of a tenant sees the tenant’s own and no user’s', async () => {
    await connected({ tenantId: 'org_initech' });
    const shared = await connected({ tenantId: 'org_initech', owner: 'tenant', userId: undefined });
    const { token } = await settingsSession({ tenantId: 'org_initech', owner: 'tenant', userId: undefined });
    expect(await listedIds(token)).toEqual([shared]);
  });

  it('sees those of its integrations alone, where it names some', async () => {
    await world.setUp('okta-two');
    const first = await connected({ integrations: ['okta'] });
    const { token } = await settingsSession({ integrations: ['okta-two'] });
    expect(await listedIds(token)).toEqual([]);
    expect(await codeOf(await disconnect(first, token))).toEqual([404, 'connection_not_found']);
    expect(await listedIds((await settingsSession({ integrations: ['okta'] })).token)).toEqual([first]);
  });

  it('sees all of many', async () => {
    const pages = 3;
    const made: string[] = [];
    for (let index = 0; index < pages; index += 1) made.push(await connected({ label: `account-${index}` }));
    await world.db.query(
      'test_copies',
      `INSERT INTO connections SELECT (jsonb_populate_record(c, jsonb_build_object('id', c.id || '_' || n, 'label', 'copy-' || n))).*
       FROM connections c, generate_series(1, 110) n WHERE c.id = $1`,
      [made[0]],
    );
    await world.db.query(
      'test_copied_credentials',
      `INSERT INTO credentials SELECT (jsonb_populate_record(k, jsonb_build_object('connection_id', k.connection_id || '_' || n))).*
       FROM credentials k, generate_series(1, 110) n WHERE k.connection_id = $1`,
      [made[0]],
    );
    const ids = await listedIds((await settingsSession()).token);
    expect(new Set(ids).size).toBe(pages + 110);
  });
});

describe('a session with the permission disconnect', () => {
  it('ends a connection of its user: revoked at the provider, erased here', async () => {
    const id = await connected();
    const { token } = await settingsSession({ permissions: ['disconnect'] });
    const answer = await disconnect(id, token);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    expect(await answer.json()).toEqual({ id, revokedAtProvider: true });
    expect(await isThere(id)).toBe(false);
    expect(await codeOf(await disconnect(id, token))).toEqual([404, 'connection_not_found']);
  });

  it('can’t end anybody else’s, and does not learn which there are', async () => {
    const others = [
      await connected({ userId: `${userId}_other` }),
      await connected({ tenantId: 'org_globex' }),
      await connected({ owner: 'tenant', userId: undefined }),
    ];
    const { token } = await settingsSession();
    for (const id of [...others, 'conn_unknown']) {
      expect(await codeOf(await disconnect(id, token))).toEqual([404, 'connection_not_found']);
    }
    expect(await Promise.all(others.map(isThere))).toEqual([true, true, true]);
  });

  it('can’t end a connection of another environment', async () => {
    const id = await connected();
    await world.db.query('test_move', `UPDATE connections SET environment = 'live' WHERE id = $1`, [id]);
    const { token } = await settingsSession();
    expect(await listedIds(token)).toEqual([]);
    expect(await codeOf(await disconnect(id, token))).toEqual([404, 'connection_not_found']);
  });
});

describe('what a session was not given, it can’t do', () => {
  it.each<[SessionPermission[], boolean, boolean]>([
    [['connect'], false, false],
    [['connect', 'list'], true, false],
    [['disconnect'], false, true],
  ])('%j', async (permissions, mayList, mayDisconnect) => {
    const id = await connected();
    const { token } = await settingsSession({ permissions });
    const listing = await list(token);
    expect(listing.status).toBe(mayList ? 200 : 403);
    const ending = await disconnect(id, token);
    expect(ending.status).toBe(mayDisconnect ? 200 : 403);
    expect(await isThere(id)).toBe(!mayDisconnect);
    // The page may read why: it is its own session.
    expect(ending.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    if (!mayDisconnect) {
      expect(await ending.json()).toMatchObject({
        code: 'forbidden',
        detail: expect.stringContaining('lacks the permission disconnect'),
      });
    }
  });

  it('nor connect, where it was given list and disconnect alone', async () => {
    const session = await settingsSession();
    expect((await pressButton(world, createBrowser(), session)).status).toBe(409);
    const link = await createBrowser().open(session.url);
    expect(link.status).toBe(409);
    expect((await stateOf(world, session)).status).toBe('pending');
    const opening = await createBrowser().post(
      `${world.publicUrl}/connect/open`,
      { code: new URL(session.url).searchParams.get('code') ?? '' },
      { origin: world.publicUrl },
    );
    expect(opening.status).toBe(409);
  });

  it('and it needs nothing to connect, where it does not connect', async () => {
    const { token } = await newSession(world, {
      userId,
      permissions: ['list'],
      integrations: ['gone-since'],
    });
    expect(await listedIds(token)).toEqual([]);
  });

  it('after its time it can do nothing, used or not', async () => {
    const id = await connected();
    const fresh = await settingsSession();
    const used = await newSession(world, { userId, permissions: ['connect', 'list', 'disconnect'] });
    await walkThrough(world, used);
    expect((await list(used.token)).status).toBe(200);
    world.moveClock(31 * 60);
    for (const { token } of [fresh, used]) {
      const listing = await list(token);
      expect(listing.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
      expect(await codeOf(listing)).toEqual([410, 'session_expired']);
      expect(await codeOf(await disconnect(id, token))).toEqual([410, 'session_expired']);
    }
    expect(await isThere(id)).toBe(true);
  });
});

describe('a page', () => {
  it.each(['http://evil.test', 'null', `${APP_ORIGIN}.evil.test`, APP_ORIGIN.toUpperCase()])(
    'of the origin %s, which the session does not name, neither reads nor ends anything',
    async (origin) => {
      const id = await connected();
      const { token } = await settingsSession();
      for (const answer of [await list(token, origin), await disconnect(id, token, origin)]) {
        expect(answer.status).toBe(403);
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
        expect(await answer.text()).not.toContain(id);
      }
      expect(await isThere(id)).toBe(true);
    },
  );

  it('of the app reads it without credentials of the browser', async () => {
    const { token } = await settingsSession();
    const answer = await list(token);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it('is nobody’s where the session names no origin', async () => {
    const { token } = await settingsSession({ allowedOrigins: [] });
    expect((await list(token)).status).toBe(403);
  });

  it('needs the token, in the header', async () => {
    const { token } = await settingsSession();
    for (const wrong of ['', 'x', token.slice(0, -1), `${token}a`]) {
      expect(await codeOf(await list(wrong))).toEqual([401, 'unauthorized']);
    }
    const inAddress = await fetch(`${world.publicUrl}/connect/connections?token=${token}`);
    expect(inAddress.status).toBe(401);
  });

  it.each([
    ['GET', ''],
    ['DELETE', '/conn_1'],
  ])('may ask first whether it may %s', async (method, path) => {
    const answer = await fetch(`${world.publicUrl}/connect/connections${path}`, {
      method: 'OPTIONS',
      headers: { origin: APP_ORIGIN, 'access-control-request-method': method },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toBe(method);
    expect(answer.headers.get('access-control-allow-headers')).toBe('Authorization');
  });
});
