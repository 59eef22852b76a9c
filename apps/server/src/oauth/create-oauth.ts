import type { Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import { type Randomness, systemRandomness } from '../randomness.js';
import { createAskResource } from './ask-resource.js';
import { createAuthorizationUrl } from './authorization-url.js';
import { createDpopNonces } from './dpop-nonces.js';
import { createProveKey } from './dpop-proof.js';
import { createExchangeCode } from './exchange-code.js';
import { createFindServer } from './find-server.js';
import { createGuardedFetch, DEFAULT_TIMEOUT_MILLIS, type GuardedFetchOptions } from './guarded-fetch.js';
import { createIntrospect } from './introspect.js';
import { createOpenLibraryClient } from './library-client.js';
import { createNamesIssuer } from './names-issuer.js';
import type { OAuth } from './oauth.js';
import { createPreflight } from './preflight.js';
import { createProbe } from './probe-token.js';
import { createRenew } from './renew-token.js';
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
  const { timeoutMillis = DEFAULT_TIMEOUT_MILLIS } = dependencies;
  const guardedFetch = createGuardedFetch(dependencies);
  const findServer = createFindServer({ guardedFetch, allowLoopback, clock });
  const nonces = createDpopNonces();
  const proveKey = createProveKey({ clock, randomness });
  const askResource = createAskResource({ guardedFetch, proveKey, nonces });
  const client = { findServer, askResource, proveKey, nonces, allowLoopback, clock };
  const openLibraryClient = createOpenLibraryClient({ ...client, guardedFetch });
  const introspect = createIntrospect({ openLibraryClient, clock });
  const impatientFetch = createGuardedFetch({
    ...dependencies,
    timeoutMillis: Math.min(timeoutMillis, LIFETIME_TIMEOUT_MILLIS),
  });
  const impatientClient = createOpenLibraryClient({ ...client, guardedFetch: impatientFetch });
  const toTokenGrant = createToTokenGrant({
    introspect: createIntrospect({ openLibraryClient: impatientClient, clock }),
    clock,
    log,
  });
  return {
    authorizationUrl: createAuthorizationUrl(openLibraryClient),
    namesIssuer: createNamesIssuer(findServer),
    exchangeCode: createExchangeCode({ openLibraryClient, askResource, toTokenGrant, allowLoopback, log }),
    preflight: createPreflight({ findServer, guardedFetch, proveKey, nonces, randomness }),
    renew: createRenew({ openLibraryClient, toTokenGrant }),
    ...createStoredGrantRequests(openLibraryClient),
    introspect,
    probe: createProbe({ introspect, findServer, askResource, allowLoopback, clock }),
  };
};
