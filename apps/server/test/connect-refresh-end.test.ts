import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseGrant, serializeGrant } from '../src/connect/received-grant.js';
import {
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import { type HostileServer, hostileDefinition, json, startHostileServer } from './support/hostile-server.js';

const DAY = 86_400;

let world: ConnectWorld;
let provider: HostileServer;
let users = 0;

beforeAll(async () => {
  provider = await startHostileServer();
  const { definition } = hostileDefinition({
    refreshToken: { rotation: 'rotating', graceSeconds: 0, absoluteLifetimeSeconds: 90 * DAY },
  });
  world = await startConnectWorld({ definition });
  await world.setUp('hostile', { provider: 'hostile', config: { domain: provider.host } });
});
afterAll(async () => {
  await world.close();
  await provider.close();
});
beforeEach(() => provider.handle('/introspect', json({}, 404)));

/** Connects a new user: to the provider's door, and back with a code that is good for this token answer. */
const connect = async (answer: Record<string, unknown>, more: Parameters<typeof newSession>[1] = {}) => {
  users += 1;
  const session = await newSession(world, { userId: `user_${users}`, integrations: ['hostile'], ...more });
  const browser = createBrowser({ stopAt: (url) => url.href.startsWith(provider.issuer) });
  const hosted = await pressButton(world, browser, session, { integration: 'hostile' });
  const { searchParams } = (await hosted.submit({ button: 'Continue' })).url;
  const nonce = searchParams.get('nonce');
  provider.handle(
    '/token',
    json(
      await provider.grant({
        id_token: await provider.idToken({ nonce, aud: searchParams.get('client_id') }),
        ...answer,
      }),
    ),
  );
  const callback = new URL(searchParams.get('redirect_uri') ?? '');
  callback.searchParams.set('code', 'code_1');
  callback.searchParams.set('state', searchParams.get('state') ?? '');
  await browser.open(callback);
  return session;
};

/** Days until a person has to come again, as the connection of a session knows it. */
const daysLeft = async (session: { id: string }) => {
  const { connection } = await stateOf(world, session);
  const stored = await world.credentials.openCredential(connection?.id ?? '', ENVIRONMENT);
  expect(stored?.refreshExpiresAt).toEqual(stored?.connection.reconnectBy);
  return Math.round(((stored?.connection.reconnectBy?.getTime() ?? Number.NaN) - Date.now()) / (DAY * 1000));
};

describe('the end of a new grant', () => {
  it('is told by introspection of its refresh token before all else', async () => {
    const exp = Math.floor(Date.now() / 1000) + 10 * DAY;
    provider.handle('/introspect', json({ active: true, exp }));
    expect(await daysLeft(await connect({ refresh_token_expires_in: 20 * DAY }))).toBe(10);
  });

  it('is told by the token answer where introspection says nothing, or what can not be', async () => {
    expect(await daysLeft(await connect({ refresh_token_expires_in: 20 * DAY }))).toBe(20);
    provider.handle('/introspect', json({ active: true, exp: Math.floor(Date.now() / 1000) - 60 }));
    expect(await daysLeft(await connect({ refresh_token_expires_in: 20 * DAY }))).toBe(20);
  });

  it('is told by the definition where nobody else says', async () => {
    expect(await daysLeft(await connect({}))).toBe(90);
  });

  it('is kept while a grant waits for the app’s backend to finish', async () => {
    const codeVerifier = randomBytes(32).toString('base64url');
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const session = await connect({ refresh_token_expires_in: 20 * DAY }, { codeChallenge });
    expect((await stateOf(world, session)).status).toBe('awaiting_finish');
    await world.connect.finishSession(ENVIRONMENT, session.id, codeVerifier, null);
    expect(await daysLeft(session)).toBe(20);
  });
});

it('a grant that an older version held is read: its answer said nothing of the refresh token’s end', () => {
  const received = {
    grant: {
      accessToken: 'at_1',
      refreshToken: 'rt_1',
      tokenType: 'Bearer',
      expiresInSeconds: 600,
      scopes: null,
      account: null,
      refreshExpiresInSeconds: 5,
    },
    issuedAt: new Date('2026-03-01T12:00:00Z'),
    refreshExpiresAt: null,
  };
  expect(parseGrant(serializeGrant(received))).toEqual(received);
  const { refreshExpiresInSeconds: _new, ...old } = received.grant;
  expect(parseGrant(JSON.stringify({ ...received, grant: old })).grant.refreshExpiresInSeconds).toBeNull();
});
