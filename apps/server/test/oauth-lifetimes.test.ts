import type { OAuthCodeMethod } from '@authpipe/providers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { addSeconds, systemClock } from '../src/clock.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import type { OAuthTarget, TokenGrant } from '../src/oauth/oauth.js';
import { recordingLog } from './support/connect-world.js';
import {
  HOSTILE_CLIENT,
  type HostileServer,
  hostileDefinition,
  json,
  startHostileServer,
} from './support/hostile-server.js';

const HOUR = 3600;
const STATE = 'state_of_at_least_22_characters';

let server: HostileServer;
let logged: ReturnType<typeof recordingLog>;
beforeEach(async () => {
  server = await startHostileServer();
  logged = recordingLog();
});
afterEach(() => server.close());

const targetOf = (change: Partial<OAuthCodeMethod> = {}): OAuthTarget => ({
  ...hostileDefinition({ accessTokenLifetimeSeconds: null, ...change }),
  config: { domain: server.host },
  client: HOSTILE_CLIENT,
});

const open = (timeoutMillis = 5_000) =>
  createOAuth({ allowLoopback: true, clock: systemClock, log: logged.log, timeoutMillis });

const refresh = (change: Partial<OAuthCodeMethod> = {}): Promise<TokenGrant> =>
  open().renew(targetOf(change), { grant: 'refresh_token', refreshToken: 'rt_0' });

const exchange = (): Promise<TokenGrant> => {
  const callbackUrl = new URL('http://authpipe.test/connect/callback');
  callbackUrl.search = new URLSearchParams({ code: 'code_1', state: STATE }).toString();
  return open().exchangeCode(targetOf(), {
    callbackUrl,
    expectedState: STATE,
    expectedNonce: 'nonce_1',
    codeVerifier: 'v'.repeat(43),
    expectedIssuer: server.issuer,
  });
};

/** What the token endpoint answers from now on. */
const answerWith = async (change: Record<string, unknown>) =>
  server.handle('/token', json(await server.grant(change)));

/** Introspection by a provider whose clock is off: it knows a token that ends in `seconds`. */
const introspectionTells = (seconds: number, offSeconds = 0) => {
  const theirs = addSeconds(new Date(), offSeconds);
  const exp = Math.floor(theirs.getTime() / 1000) + seconds;
  server.handle('/introspect', json({ active: true, exp }, 200, { date: theirs.toUTCString() }));
};

const warnings = () =>
  logged.lines.map((line) => JSON.parse(line)).filter(({ level }: { level: number }) => level >= 40);

/** A second may begin between the provider's clock and the look at ours. */
const expectAbout = (seconds: number | null, expected: number) => {
  expect(seconds).toBeGreaterThanOrEqual(expected - 5);
  expect(seconds).toBeLessThanOrEqual(expected + 1);
};

describe('a token answer without expires_in', () => {
  it.each([
    ['a refresh', refresh],
    ['a code exchange', exchange],
  ])('to %s is completed by introspection of the new access token (hazard 5)', async (_, request) => {
    await answerWith({ expires_in: undefined });
    introspectionTells(1200);
    const { expiresInSeconds, accessToken } = await request();
    expectAbout(expiresInSeconds, 1200);
    const asked = server
      .heardAt('/introspect')
      .map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    expect(asked).toEqual([expect.objectContaining({ token: accessToken, token_type_hint: 'access_token' })]);
    expect(warnings()).toEqual([]);
  });

  it.each([-HOUR, HOUR])(
    'is completed rightly by a provider whose clock is off by %p seconds',
    async (off) => {
      await answerWith({ expires_in: undefined });
      introspectionTells(1200, off);
      expectAbout((await refresh()).expiresInSeconds, 1200);
    },
  );

  it.each([
    ['breaks', json({}, 500)],
    ['refuses the client', json({ error: 'invalid_client' }, 401)],
    ['answers nonsense', json('nonsense')],
    ['does not know the token', json({ active: false })],
    ['tells no end', json({ active: true })],
    ['tells an end that has passed', json({ active: true, exp: 1_000_000_000 })],
    ['tells milliseconds', json({ active: true, exp: Date.now() + HOUR * 1000 })],
  ])(
    'is a good grant where introspection %s: then the definition tells, or nobody',
    async (_, introspection) => {
      await answerWith({ expires_in: undefined });
      server.handle('/introspect', introspection);
      expect(await refresh({ accessTokenLifetimeSeconds: 900 })).toMatchObject({
        accessToken: 'at_1',
        expiresInSeconds: 900,
      });
      expect((await refresh()).expiresInSeconds).toBeNull();
    },
  );

  it('is a good grant where introspection hangs, without the wait for a token request', async () => {
    await answerWith({ expires_in: undefined });
    server.handle('/introspect', () => undefined);
    expect(await open(200).renew(targetOf(), { grant: 'refresh_token', refreshToken: 'rt_0' })).toMatchObject(
      {
        accessToken: 'at_1',
        expiresInSeconds: null,
      },
    );
  });

  it('is completed by the definition where there is no introspection', async () => {
    server.discover({ introspection_endpoint: undefined });
    await answerWith({ expires_in: undefined });
    expect((await refresh({ accessTokenLifetimeSeconds: 900 })).expiresInSeconds).toBe(900);
    expect((await refresh()).expiresInSeconds).toBeNull();
  });
});

it('an answer that tells its end is believed: nothing is asked', async () => {
  introspectionTells(1200);
  await answerWith({ expires_in: '600' });
  expect((await refresh({ accessTokenLifetimeSeconds: 900 })).expiresInSeconds).toBe(600);
  expect(server.heardAt('/introspect')).toEqual([]);
});

it('milliseconds are taken as such where the definition says so, for both tokens', async () => {
  await answerWith({ expires_in: 600_000, refresh_token_expires_in: 3_600_000 });
  expect(await refresh({ expiresInUnit: 'milliseconds' })).toMatchObject({
    expiresInSeconds: 600,
    refreshExpiresInSeconds: HOUR,
  });
});

describe('the refresh token’s end', () => {
  it('is read from refresh_token_expires_in, also by a code exchange', async () => {
    await answerWith({ refresh_token_expires_in: '15897600' });
    expect((await refresh()).refreshExpiresInSeconds).toBe(15_897_600);
    expect((await exchange()).refreshExpiresInSeconds).toBe(15_897_600);
  });

  it('is read from the definition’s own field instead', async () => {
    await answerWith({ x_refresh_token_expires_in: 8_726_400, refresh_token_expires_in: 5 });
    const refreshToken = {
      rotation: 'rotating' as const,
      graceSeconds: 0,
      expiresInField: 'x_refresh_token_expires_in',
    };
    expect((await refresh({ refreshToken })).refreshExpiresInSeconds).toBe(8_726_400);
  });

  it('is null where the answer does not say', async () => {
    expect((await refresh()).refreshExpiresInSeconds).toBeNull();
  });
});

it('what is odd is logged once per answer, with the provider and without a token', async () => {
  await answerWith({ expires_in: -5, refresh_token_expires_in: 'at_1' });
  await refresh({ accessTokenLifetimeSeconds: 900 });
  expect(warnings()).toEqual([
    expect.objectContaining({ provider: 'hostile', oddity: 'expires_in is negative' }),
    expect.objectContaining({ provider: 'hostile', oddity: 'refresh_token_expires_in is no number' }),
  ]);
  await answerWith({ expires_in: 1e12 });
  expect((await refresh()).expiresInSeconds).toBe(10 * 365 * 86_400);
  expect(warnings()).toHaveLength(3);
  expect(logged.lines.join('\n')).not.toMatch(/at_1|rt_1|rt_0|planted/);
});
