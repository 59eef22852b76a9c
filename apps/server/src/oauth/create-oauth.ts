import type { Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import { createAuthorizationUrl } from './authorization-url.js';
import { createExchangeCode } from './exchange-code.js';
import { createFindServer } from './find-server.js';
import { createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch.js';
import { createOpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { createProbe } from './probe-token.js';
import { createStoredGrantRequests } from './stored-grant.js';

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
  const { allowLoopback, clock, log } = dependencies;
  const guardedFetch = createGuardedFetch(dependencies);
  const findServer = createFindServer({ guardedFetch, allowLoopback, clock });
  const openLibraryClient = createOpenLibraryClient({ findServer, guardedFetch, allowLoopback, clock });
  const stored = createStoredGrantRequests(openLibraryClient);
  return {
    authorizationUrl: createAuthorizationUrl(openLibraryClient),
    exchangeCode: createExchangeCode({ openLibraryClient, guardedFetch, allowLoopback, log }),
    ...stored,
    tokenEndpoint: async (target) => {
      const { metadata } = await findServer(target);
      return metadata.token_endpoint ?? metadata.issuer;
    },
    probe: createProbe({ introspect: stored.introspect, findServer, guardedFetch, allowLoopback }),
  };
};
