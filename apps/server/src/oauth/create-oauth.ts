import type { Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import { type Randomness, systemRandomness } from '../randomness.js';
import { createAskResource } from './ask-resource.js';
import { createAuthorizationUrl } from './authorization-url.js';
import { createDpopNonces } from './dpop-nonces.js';
import { createProveKey } from './dpop-proof.js';
import { createExchangeCode } from './exchange-code.js';
import { createFindServer } from './find-server.js';
import { createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch.js';
import { createOpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { createProbe } from './probe-token.js';
import { createRenew } from './renew-token.js';
import { createStoredGrantRequests } from './stored-grant.js';

export interface OAuthDependencies {
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK`: providers on loopback hosts, over plain HTTP. Never in production. */
  readonly allowLoopback: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ids of proofs; the system's unless told. */
  readonly randomness?: Randomness;
  /** For one request to a provider, from the first packet to the last byte. 10 s unless told. */
  readonly timeoutMillis?: number;
  /** DNS; the system's resolver unless told. */
  readonly resolve?: NonNullable<GuardedFetchOptions['resolve']>;
}

/** Opens the room that talks to providers. */
export const createOAuth = (dependencies: OAuthDependencies): OAuth => {
  const { allowLoopback, clock, log, randomness = systemRandomness } = dependencies;
  const guardedFetch = createGuardedFetch(dependencies);
  const findServer = createFindServer({ guardedFetch, allowLoopback, clock });
  const nonces = createDpopNonces();
  const proveKey = createProveKey({ clock, randomness });
  const askResource = createAskResource({ guardedFetch, proveKey, nonces });
  const openLibraryClient = createOpenLibraryClient({
    findServer,
    guardedFetch,
    askResource,
    proveKey,
    nonces,
    allowLoopback,
    clock,
  });
  const renew = createRenew(openLibraryClient);
  const stored = createStoredGrantRequests(openLibraryClient);
  return {
    authorizationUrl: createAuthorizationUrl(openLibraryClient),
    exchangeCode: createExchangeCode({ openLibraryClient, askResource, allowLoopback, log }),
    renew,
    refresh: (target, refreshToken) => renew(target, { grant: 'refresh_token', refreshToken }),
    ...stored,
    probe: createProbe({ introspect: stored.introspect, findServer, askResource, allowLoopback }),
  };
};
