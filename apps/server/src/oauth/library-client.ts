import { type HttpAnswer, isLoopbackHost } from '@authpipe/providers';
import {
  allowInsecureRequests,
  Configuration,
  type CustomFetchOptions,
  clockSkew,
  customFetch,
  enableNonRepudiationChecks,
} from 'openid-client';
import type { Clock } from '../clock.js';
import type { AskResource } from './ask-resource.js';
import { clientAuthentication } from './client-authentication.js';
import type { DpopKey } from './dpop-key.js';
import type { DpopNonces } from './dpop-nonces.js';
import type { ProveKey } from './dpop-proof.js';
import type { AuthorizationServer, FindServer } from './find-server.js';
import type { FetchedAnswer, GuardedFetch } from './guarded-fetch.js';
import type { LeaveToSend, TokenTarget } from './oauth.js';
import { readTokenAnswer, type TokenAnswer, toResponse } from './token-answer.js';
import { providerTrouble, retryAfterSeconds, TokenRequestError, wrongSetup } from './token-request-error.js';

/** openid-client set up for one request, and what it came to. */
export interface LibraryClient {
  readonly configuration: Configuration;
  readonly server: AuthorizationServer;
  /** Whether ID tokens can be checked here: there is an issuer and a place for its keys. */
  readonly checksIdTokens: boolean;
  /** The token answer as the provider gave it, once there is one. */
  tokenAnswer(): TokenAnswer;
  /** The headers of the latest answer to a request with a body: names in lower case, none before there is one. */
  answerHeaders(): HttpAnswer['headers'];
}

export interface LibraryClientOptions {
  /** Hands an ID token of the answer to the library, which checks it. Default: it is not looked at. */
  readonly keepIdToken?: boolean;
  /** Which endpoint is asked as the client. Default `token_endpoint`. */
  readonly endpoint?:
    | 'token_endpoint'
    | 'revocation_endpoint'
    | 'introspection_endpoint'
    | 'pushed_authorization_request_endpoint';
  /** Token requests prove this key. @see RFC 9449 section 5 */
  readonly dpopKey?: DpopKey | undefined;
  /** Told when a token answer holds a nonce, which the next proof will hold. */
  readonly onNonce?: () => void;
  /** Asked before each token request. */
  readonly leave?: LeaveToSend | undefined;
}

/** Sets openid-client up for a target. @throws TokenRequestError */
export type OpenLibraryClient = (
  target: TokenTarget,
  options?: LibraryClientOptions,
) => Promise<LibraryClient>;

const bodyOf = (body: CustomFetchOptions['body'], format: 'form' | 'json') => {
  const parameters = new URLSearchParams(body instanceof URLSearchParams ? body : String(body));
  return format === 'json'
    ? { type: 'application/json', text: JSON.stringify(Object.fromEntries(parameters)) }
    : { type: 'application/x-www-form-urlencoded', text: parameters.toString() };
};

/** `server_error` says that the server broke in the middle of its work, done or not. @see RFC 6749 section 4.1.2.1 */
const saysWhy = (body: unknown): boolean => {
  const { error } = Object(body) as { readonly error?: unknown };
  return typeof error === 'string' && error !== '' && error !== 'server_error';
};

/** The error of an endpoint that is asked as the client, in the definition's words. */
export const refusedRequest = (
  { definition, method }: TokenTarget,
  answer: HttpAnswer,
  clock: Clock,
): TokenRequestError => {
  const successful = answer.status >= 200 && answer.status < 300;
  if (successful && (typeof answer.body !== 'object' || answer.body === null)) {
    return providerTrouble(`${definition.name} answered without a token.`, answer.status);
  }
  const retryAfter = retryAfterSeconds(answer, definition.api, clock);
  return new TokenRequestError(
    method.readTokenError(answer),
    answer.status,
    retryAfter,
    saysWhy(answer.body),
  );
};

/**
 * Lets openid-client write requests and check answers, and keeps the wire to ourselves: each request goes through the
 * guarded fetch, and a token answer is read by the definition before the library sees a clean one. Errors are thrown
 * from inside, with the definition's verdict; the library would drop status, headers and words.
 */
export const createOpenLibraryClient = ({
  findServer,
  guardedFetch,
  askResource,
  proveKey,
  nonces,
  allowLoopback,
  clock,
}: {
  readonly findServer: FindServer;
  readonly guardedFetch: GuardedFetch;
  readonly askResource: AskResource;
  readonly proveKey: ProveKey;
  readonly nonces: DpopNonces;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}): OpenLibraryClient => {
  const asResponse = ({ status, headers, text }: FetchedAnswer): Response =>
    new Response([204, 205, 304].includes(status) ? null : text, {
      status,
      headers: { 'content-type': headers['content-type'] ?? 'application/json' },
    });

  return async (
    target,
    { keepIdToken = false, endpoint = 'token_endpoint', dpopKey, onNonce, leave } = {},
  ) => {
    const server = await findServer(target);
    const { metadata, issuer } = server;
    const isOpenId = target.method.kind === 'oauth2' && target.method.openidConnect;
    const checksIdTokens = isOpenId && issuer !== null && metadata.jwks_uri !== undefined;
    const { token_endpoint: tokenEndpoint } = metadata;
    if (tokenEndpoint === undefined) throw wrongSetup('The metadata of the provider has no token endpoint.');
    const askedWithSecret = [metadata.revocation_endpoint, metadata.introspection_endpoint];
    let given: TokenAnswer | null = null;
    let answerHeaders: HttpAnswer['headers'] = {};

    const proofFor = (url: string, method: string): Record<string, string> => {
      if (dpopKey === undefined) return {};
      const nonce = nonces.latest('authorization_server', url);
      return { dpop: proveKey(dpopKey, { method, url, nonce }) };
    };

    const send = async (url: string, options: CustomFetchOptions): Promise<Response> => {
      const request = { url, method: options.method, headers: options.headers };
      if (url === metadata.userinfo_endpoint && given !== null && dpopKey !== undefined) {
        return asResponse(await askResource(url, { ...given, dpopKey }));
      }
      if (options.body === undefined || options.body === null) {
        return asResponse(await guardedFetch(request));
      }
      const isTokenRequest = url === tokenEndpoint;
      const body = bodyOf(options.body, isTokenRequest ? target.method.tokenRequestFormat : 'form');
      const answer = await guardedFetch({
        ...request,
        headers: {
          ...options.headers,
          'content-type': body.type,
          ...(isTokenRequest ? proofFor(url, options.method) : {}),
        },
        body: body.text,
        ...(isTokenRequest && leave ? { onDeparture: await leave() } : {}),
      });
      answerHeaders = answer.headers;
      if (isTokenRequest) {
        if (nonces.note('authorization_server', url, answer)) onNonce?.();
        given = readTokenAnswer(target.method, answer);
        if (given === null) throw refusedRequest(target, answer, clock);
        return toResponse(given, keepIdToken && checksIdTokens);
      }
      const isPushed = url === metadata.pushed_authorization_request_endpoint;
      const isRefused = isPushed ? answer.status !== 201 : answer.status !== 200;
      if ((isPushed || askedWithSecret.includes(url)) && isRefused) {
        throw refusedRequest(target, answer, clock);
      }
      return asResponse(answer);
    };

    const configuration = new Configuration(
      metadata,
      target.client.clientId,
      { [clockSkew]: Math.round((clock.now().getTime() - Date.now()) / 1000) },
      await clientAuthentication(target, metadata[endpoint] ?? tokenEndpoint),
    );
    configuration[customFetch] = send;
    // Off by default in the library, which trusts TLS alone for ID tokens of the token endpoint.
    enableNonRepudiationChecks(configuration);
    const host = new URL(tokenEndpoint).hostname;
    if (allowLoopback && isLoopbackHost(host)) allowInsecureRequests(configuration);
    return {
      configuration,
      server,
      checksIdTokens,
      tokenAnswer: () => {
        if (given === null) throw providerTrouble(`${target.definition.name} answered without a token.`);
        return given;
      },
      answerHeaders: () => answerHeaders,
    };
  };
};
