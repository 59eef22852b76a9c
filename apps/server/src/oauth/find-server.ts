import { type FillOptions, fillUrl, isLoopbackHost, type OAuthEndpoints } from '@authpipe/providers';
import { LRUCache } from 'lru-cache';
import type { ServerMetadata } from 'openid-client';
import type { Clock } from '../clock.js';
import type { GuardedFetch } from './guarded-fetch.js';
import type { TokenTarget } from './oauth.js';
import { providerTrouble, wrongSetup } from './token-request-error.js';

/** Providers change their metadata rarely, and keep old endpoints alive for longer than this. */
const METADATA_TTL_MILLIS = 60 * 60 * 1000;

/** One per Okta org in use; a document is some 3 KiB. */
const METADATA_LIMIT = 2_000;

/** These are sent the client secret or a token, so they have to be on a host that is fixed for the integration. */
const TRUSTED_ENDPOINTS = [
  'token_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

/** Metadata in use, with what the definition alone knows. */
export interface AuthorizationServer {
  readonly metadata: ServerMetadata;
  /** Null where neither the definition nor a document names one: then `iss` says nothing. */
  readonly issuer: string | null;
}

/** Finds the authorization server of a target. @throws TokenRequestError */
export type FindServer = (target: Pick<TokenTarget, 'method' | 'config'>) => Promise<AuthorizationServer>;

type Discovery = Extract<OAuthEndpoints, { source: 'discovery' }>;
type Fixed = Extract<OAuthEndpoints, { source: 'fixed' }>;

interface Lookup {
  readonly endpoints: Discovery;
  readonly issuer: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const originOf = (url: string): string | null => (URL.canParse(url) ? new URL(url).origin : null);

const fixedServer = (
  endpoints: Fixed,
  config: TokenTarget['config'],
  options: FillOptions,
): AuthorizationServer => {
  const fill = (template: Fixed['token'] | undefined) => template && fillUrl(template, config, options);
  const token = fillUrl(endpoints.token, config, options);
  const issuer = fill(endpoints.issuer) ?? null;
  const optional = {
    authorization_endpoint: fill(endpoints.authorization),
    revocation_endpoint: fill(endpoints.revocation),
    introspection_endpoint: fill(endpoints.introspection),
    userinfo_endpoint: fill(endpoints.userinfo),
  };
  return {
    issuer,
    metadata: {
      // The library wants one; `issuer: null` tells the callers that nothing may be concluded from it.
      issuer: issuer ?? new URL(token).origin,
      token_endpoint: token,
      ...Object.fromEntries(Object.entries(optional).filter(([, url]) => url !== undefined)),
    },
  };
};

/**
 * Reads where to send people and secrets: from the provider's metadata, kept for an hour, or from the definition.
 * A document is believed only if its issuer is the host that was asked, or the issuer's own host says that the asked
 * one speaks for it; and only if whatever is sent a secret stays on one of the two.
 * @see RFC 8414 section 3.3, OpenID Connect Discovery 1.0 section 4.3
 */
export const createFindServer = ({
  guardedFetch,
  allowLoopback,
  clock,
}: {
  readonly guardedFetch: GuardedFetch;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}): FindServer => {
  const fetchDocument = async (url: string): Promise<Record<string, unknown>> => {
    const { status, body } = await guardedFetch({
      url,
      method: 'GET',
      headers: { accept: 'application/json' },
    });
    const { host } = new URL(url);
    if (status >= 500 || status === 429) throw providerTrouble(`${host} answered ${status}.`, status);
    if (status !== 200 || !isRecord(body)) {
      throw wrongSetup(`${host} has no OAuth metadata. Check that the address of the provider is right.`);
    }
    return body;
  };

  /** Whether the issuer's own host confirms that the given host speaks for it. */
  const isConfirmedAlias = async ({ endpoints, issuer: expected }: Lookup, issuer: string) => {
    const alias = endpoints.issuerAlias;
    if (!alias || !URL.canParse(issuer)) return false;
    const { host, protocol } = new URL(issuer);
    const given = new URL(expected);
    if (issuer !== expected.replace(given.host, host) || !alias.isIssuerHost(host)) return false;
    return alias.confirms(await fetchDocument(`${protocol}//${host}${alias.path}`), given.host);
  };

  const checkEndpoints = (document: Record<string, unknown>, trusted: readonly string[]): void => {
    for (const name of TRUSTED_ENDPOINTS) {
      const url = document[name];
      if (url === undefined) continue;
      if (typeof url !== 'string' || !trusted.some((issuer) => originOf(url) === originOf(issuer))) {
        throw wrongSetup(
          `The metadata of ${new URL(trusted[0] ?? '').host} sends secrets to another host. It is not used.`,
        );
      }
    }
  };

  /** Only where people are sent: a provider of service accounts may have none. */
  const checkAuthorization = ({ metadata }: AuthorizationServer): void => {
    const { authorization_endpoint: address } = metadata;
    const url = typeof address === 'string' && URL.canParse(address) && new URL(address);
    const secure = url && (url.protocol === 'https:' || (allowLoopback && isLoopbackHost(url.hostname)));
    if (!secure) throw wrongSetup('The metadata of the provider has no usable authorization endpoint.');
  };

  const discover = async (lookup: Lookup): Promise<AuthorizationServer> => {
    const given = lookup.issuer;
    const document = await fetchDocument(`${given.replace(/\/$/, '')}${lookup.endpoints.metadataPath}`);
    const { issuer } = document;
    if (typeof issuer !== 'string' || (issuer !== given && !(await isConfirmedAlias(lookup, issuer)))) {
      throw wrongSetup(
        `${new URL(given).host} speaks for another issuer, which does not confirm it. Check the address of the provider.`,
      );
    }
    checkEndpoints(document, [given, issuer]);
    return { metadata: { ...document, issuer }, issuer };
  };

  const servers = new LRUCache<string, AuthorizationServer, Lookup>({
    max: METADATA_LIMIT,
    ttl: METADATA_TTL_MILLIS,
    ttlResolution: 0,
    perf: { now: () => clock.now().getTime() },
    // Concurrent look-ups of one server share the request; failures are not kept.
    fetchMethod: (_url, _stale, { context }) => discover(context),
    // A provider whose metadata can't be had for now still has its endpoints where they were.
    noDeleteOnFetchRejection: true,
    allowStaleOnFetchRejection: true,
  });

  return async ({ method, config }) => {
    const { endpoints } = method;
    if (endpoints.source === 'fixed') return fixedServer(endpoints, config, { allowLoopback });
    const issuer = fillUrl(endpoints.issuer, config, { allowLoopback });
    const lookup = { endpoints, issuer };
    const kept = await servers.fetch(`${issuer} ${endpoints.metadataPath}`, { context: lookup });
    const server = kept ?? (await discover(lookup));
    if (method.kind === 'oauth2') checkAuthorization(server);
    return server;
  };
};
