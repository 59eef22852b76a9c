import type { Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import { createAuthorizationUrl } from './authorization-url.js';
import { createExchangeCode } from './exchange-code.js';
import { createFindServer } from './find-server.js';
import { createGuardedFetch, DEFAULT_TIMEOUT_MILLIS, type GuardedFetchOptions } from './guarded-fetch.js';
import { createIntrospect } from './introspect.js';
import { createOpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { createProbe } from './probe-token.js';
import { createStoredGrantRequests } from './stored-grant.js';
import { createToTokenGrant } from './token-grant.js';

/**
 * How long the question for a new token's end may take. The token is kept only after it, and a refresh token that was
 * just rotated is lost with the process until then: better an end that is not known than a wait.
 */
const LIFETIME_TIMEOUT_MILLIS = 2_000;

export interface OAuthDependencies {
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK`: providers on loopback hosts, over plain HTTP. Never in production. */
  readonly allowLoopback: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** For one request to a provider, from the first packet to the last byte. 10 s unless told. */
  readonly timeoutMillis?: number;
  /** DNS; the system's resolver unless told. */
  readonly resolve?: NonNullable<GuardedFetchOptions['resolve']>;
}

/** Opens the room that talks to providers. */
export const createOAuth = (dependencies: OAuthDependencies): OAuth => {
  const { allowLoopback, clock, log, timeoutMillis = DEFAULT_TIMEOUT_MILLIS } = dependencies;
  const guardedFetch = createGuardedFetch(dependencies);
  const findServer = createFindServer({ guardedFetch, allowLoopback, clock });
  const openLibraryClient = createOpenLibraryClient({ findServer, guardedFetch, allowLoopback, clock });
  const introspect = createIntrospect({ openLibraryClient, clock });
  const impatientFetch = createGuardedFetch({
    ...dependencies,
    timeoutMillis: Math.min(timeoutMillis, LIFETIME_TIMEOUT_MILLIS),
  });
  const impatientClient = createOpenLibraryClient({
    findServer,
    guardedFetch: impatientFetch,
    allowLoopback,
    clock,
  });
  const toTokenGrant = createToTokenGrant({
    introspect: createIntrospect({ openLibraryClient: impatientClient, clock }),
    clock,
    log,
  });
  return {
    authorizationUrl: createAuthorizationUrl(openLibraryClient),
    exchangeCode: createExchangeCode({ openLibraryClient, guardedFetch, toTokenGrant, allowLoopback, log }),
    ...createStoredGrantRequests({ openLibraryClient, toTokenGrant }),
    introspect,
    tokenEndpoint: async (target) => {
      const { metadata } = await findServer(target);
      return metadata.token_endpoint ?? metadata.issuer;
    },
    probe: createProbe({ introspect, findServer, guardedFetch, allowLoopback }),
  };
};
