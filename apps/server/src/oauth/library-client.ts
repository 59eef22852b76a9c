import { type HttpAnswer, isLoopbackHost } from '@authpipe/providers';
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetchOptions,
  clockSkew,
  customFetch,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import type { Clock } from '../clock.js';
import type { AuthorizationServer, FindServer } from './find-server.js';
import type { FetchedAnswer, GuardedFetch } from './guarded-fetch.js';
import type { LeaveToSend, OAuthTarget } from './oauth.js';
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

/** Sets openid-client up for a target. @throws TokenRequestError */
export type OpenLibraryClient = (
  target: OAuthTarget,
  options?: { readonly keepIdToken?: boolean; readonly leave?: LeaveToSend | undefined },
) => Promise<LibraryClient>;

const clientAuthentication = ({ method, client }: OAuthTarget): ClientAuth => {
  if (method.clientAuthentication === 'none') return None();
  if (method.clientAuthentication === 'private_key_jwt') {
    throw wrongSetup('Signing in to the provider with a private key is not set up for this integration.');
  }
  if (client.clientSecret === null) {
    throw new TokenRequestError({
      outcome: 'integration',
      reason: 'client_secret_invalid',
      detail: 'The integration has no client secret. Set one on the integration; nobody has to reconnect.',
    });
  }
  return method.clientAuthentication === 'client_secret_basic'
    ? ClientSecretBasic(client.clientSecret)
    : ClientSecretPost(client.clientSecret);
};

const bodyOf = (body: CustomFetchOptions['body'], format: 'form' | 'json') => {
  const parameters = new URLSearchParams(body instanceof URLSearchParams ? body : String(body));
  return format === 'json'
    ? { type: 'application/json', text: JSON.stringify(Object.fromEntries(parameters)) }
    : { type: 'application/x-www-form-urlencoded', text: parameters.toString() };
};

/** The error of a token, revocation or introspection endpoint, in the definition's words. */
export const refusedRequest = (
  { definition, method }: OAuthTarget,
  answer: HttpAnswer,
  clock: Clock,
): TokenRequestError => {
  const successful = answer.status >= 200 && answer.status < 300;
  if (successful && (typeof answer.body !== 'object' || answer.body === null)) {
    return providerTrouble(`${definition.name} answered without a token.`, answer.status);
  }
  const retryAfter = retryAfterSeconds(answer, definition.api, clock);
  return new TokenRequestError(method.readTokenError(answer), answer.status, retryAfter);
};

/**
 * Lets openid-client write requests and check answers, and keeps the wire to ourselves: each request goes through the
 * guarded fetch, and a token answer is read by the definition before the library sees a clean one. Errors are thrown
 * from inside, with the definition's verdict; the library would drop status, headers and words.
 */
export const createOpenLibraryClient = ({
  findServer,
  guardedFetch,
  allowLoopback,
  clock,
}: {
  readonly findServer: FindServer;
  readonly guardedFetch: GuardedFetch;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}): OpenLibraryClient => {
  const asResponse = ({ status, headers, text }: FetchedAnswer): Response =>
    new Response([204, 205, 304].includes(status) ? null : text, {
      status,
      headers: { 'content-type': headers['content-type'] ?? 'application/json' },
    });

  return async (target, { keepIdToken = false, leave } = {}) => {
    const server = await findServer(target);
    const { metadata, issuer } = server;
    const checksIdTokens = target.method.openidConnect && issuer !== null && metadata.jwks_uri !== undefined;
    const askedWithSecret = [metadata.revocation_endpoint, metadata.introspection_endpoint];
    let given: TokenAnswer | null = null;
    let answerHeaders: HttpAnswer['headers'] = {};

    const send = async (url: string, options: CustomFetchOptions): Promise<Response> => {
      const request = { url, method: options.method, headers: options.headers };
      if (options.body === undefined || options.body === null) {
        return asResponse(await guardedFetch(request));
      }
      const isTokenRequest = url === metadata.token_endpoint;
      const body = bodyOf(options.body, isTokenRequest ? target.method.tokenRequestFormat : 'form');
      const answer = await guardedFetch({
        ...request,
        headers: { ...options.headers, 'content-type': body.type },
        body: body.text,
        ...(isTokenRequest && leave ? { onDeparture: await leave() } : {}),
      });
      answerHeaders = answer.headers;
      if (isTokenRequest) {
        given = readTokenAnswer(target.method, answer);
        if (given === null) throw refusedRequest(target, answer, clock);
        return toResponse(given, keepIdToken && checksIdTokens);
      }
      if (askedWithSecret.includes(url) && answer.status !== 200) throw refusedRequest(target, answer, clock);
      return asResponse(answer);
    };

    const configuration = new Configuration(
      metadata,
      target.client.clientId,
      { [clockSkew]: Math.round((clock.now().getTime() - Date.now()) / 1000) },
      clientAuthentication(target),
    );
    configuration[customFetch] = send;
    // Off by default in the library, which trusts TLS alone for ID tokens of the token endpoint.
    enableNonRepudiationChecks(configuration);
    const host = new URL(metadata.token_endpoint ?? metadata.issuer).hostname;
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
