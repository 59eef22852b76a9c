import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../src/clock.js';
import { createLogger } from '../src/log/logger.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import type { OAuthTarget } from '../src/oauth/oauth.js';
import { TokenRequestError } from '../src/oauth/token-request-error.js';
import {
  CLIENT,
  type ConnectWorld,
  ENVIRONMENT,
  newSession,
  startConnectWorld,
  stateOf,
  walkThrough,
} from './support/connect-world.js';
import { oktaDefinition, oktaMethod } from './support/okta.js';

const HOUR = 3600;

let world: ConnectWorld;
beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
  // The provider's clock is an hour ahead of everybody's.
  world.org.control.moveClock(HOUR);
});
afterAll(() => world.close());

it('a connection to a provider whose clock is an hour off knows its end in our clock', async () => {
  const session = await newSession(world);
  await walkThrough(world, session);
  const { connection } = await stateOf(world, session);
  const stored = await world.credentials.openCredential(connection?.id ?? '', ENVIRONMENT);
  const secondsLeft = ((stored?.connection.reconnectBy?.getTime() ?? 0) - Date.now()) / 1000;
  expect(Math.abs(secondsLeft - 90 * 24 * HOUR)).toBeLessThan(60);
  expect(stored?.refreshExpiresAt).toEqual(stored?.connection.reconnectBy);
});

it('a provider whose clock is an hour off is asked again when it said, not an hour later', async () => {
  const oauth = createOAuth({ allowLoopback: true, clock: systemClock, log: createLogger('silent') });
  const target: OAuthTarget = {
    definition: oktaDefinition,
    method: oktaMethod,
    config: { domain: world.domain },
    client: CLIENT,
  };
  world.org.control.failNext({ kind: 'rate_limit' });
  const failure = await oauth
    .renew(target, { grant: 'refresh_token', refreshToken: 'any' })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TokenRequestError);
  // The org's limit ends a second later, and its header tells whole seconds.
  expect([1, 2]).toContain(failure instanceof TokenRequestError && failure.retryAfterSeconds);
});
