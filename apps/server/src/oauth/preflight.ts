import { createHash } from 'node:crypto';
import { fillParams, type HttpAnswer } from '@authpipe/providers';
import type { Randomness } from '../randomness.js';
import { clientAuthentication } from './client-authentication.js';
import { createDpopKey, type DpopKey } from './dpop-key.js';
import type { DpopNonces } from './dpop-nonces.js';
import type { ProveKey } from './dpop-proof.js';
import type { AuthorizationServer, FindServer } from './find-server.js';
import { FetchError, type GuardedFetch } from './guarded-fetch.js';
import type { OAuth, OAuthTarget, PreflightFinding, PreflightStep } from './oauth.js';
import { toTokenRequestError, wrongSetup } from './token-request-error.js';

/** What an answer of the token endpoint says of the app. */
type TokenTrial =
  | { readonly says: 'allowed' | 'grant_refused' | 'dpop_wanted' | 'nonce_wanted' | 'nothing' }
  | { readonly says: 'client_refused'; readonly detail: string };

/** Errors of the authorization endpoint that say: all is well, but somebody has to sign in. @see OpenID Connect Core 3.1.2.6 */
const WANTS_PERSON = new Set([
  'login_required',
  'interaction_required',
  'account_selection_required',
  'temporarily_unavailable',
]);

const errorOf = ({ body }: HttpAnswer): string => {
  const { error } = Object(body) as { readonly error?: unknown };
  return typeof error === 'string' ? error : '';
};

/** A code and a refresh token that nobody ever gave: of an app that may use the grant, they alone are refused. */
const readTokenTrial = (target: OAuthTarget, answer: HttpAnswer): TokenTrial => {
  switch (errorOf(answer)) {
    case 'invalid_grant':
      return { says: answer.status === 400 ? 'allowed' : 'nothing' };
    case 'unauthorized_client':
    case 'unsupported_grant_type':
      return { says: 'grant_refused' };
    case 'invalid_dpop_proof':
      return { says: 'dpop_wanted' };
    case 'use_dpop_nonce':
      return { says: 'nonce_wanted' };
    case 'invalid_client':
    case 'access_denied':
      return { says: 'client_refused', detail: target.method.readTokenError(answer).detail };
    default:
      return { says: 'nothing' };
  }
};

const ok = (step: PreflightStep): PreflightFinding => ({ step, result: 'ok' });
const missing = (step: PreflightStep, detail?: string): PreflightFinding =>
  detail === undefined ? { step, result: 'missing' } : { step, result: 'missing', detail };
const unknown = (step: PreflightStep): PreflightFinding => ({ step, result: 'unknown' });

/** What the answer to an authorization request without a page says of redirect URI and scopes. */
const readAuthorization = (
  { status, headers }: HttpAnswer,
  redirectUri: string,
  authorizationEndpoint: string,
): PreflightFinding[] => {
  const location = URL.parse(headers.location ?? '', authorizationEndpoint);
  if (status >= 400 && status < 500 && status !== 429) {
    // An app that is known, and a page instead of a way back: only the way back can be wrong. RFC 6749 section 4.1.2.1
    return [missing('redirect_uri'), unknown('scopes')];
  }
  if (status < 300 || status >= 400 || !location) return [unknown('redirect_uri'), unknown('scopes')];
  if (`${location.origin}${location.pathname}` !== redirectUri) {
    // To the sign-in page, whatever was asked: so the request was taken.
    return [ok('redirect_uri'), unknown('scopes')];
  }
  const error = location.searchParams.get('error') ?? '';
  if (WANTS_PERSON.has(error)) return [ok('redirect_uri'), ok('scopes')];
  if (error === 'invalid_scope' || error === 'consent_required') {
    return [ok('redirect_uri'), missing('scopes')];
  }
  if (error === 'unauthorized_client' || error === 'unsupported_response_type') {
    return [missing('grant_types'), ok('redirect_uri'), unknown('scopes')];
  }
  return [ok('redirect_uri'), unknown('scopes')];
};

/** Tries an OAuth app: see `OAuth.preflight`. */
export const createPreflight = ({
  findServer,
  guardedFetch,
  proveKey,
  nonces,
  randomness,
}: {
  readonly findServer: FindServer;
  readonly guardedFetch: GuardedFetch;
  readonly proveKey: ProveKey;
  readonly nonces: DpopNonces;
  readonly randomness: Randomness;
}): OAuth['preflight'] => {
  const random = (): string => randomness.bytes(32).toString('base64url');

  const askToken = async (
    target: OAuthTarget,
    { metadata }: AuthorizationServer,
    parameters: Readonly<Record<string, string>>,
    dpopKey: DpopKey | null,
  ): Promise<TokenTrial> => {
    const url = metadata.token_endpoint ?? '';
    const authenticate = await clientAuthentication(target, url);
    const body = new URLSearchParams({
      ...fillParams(target.method.tokenParams ?? {}, target.config),
      ...parameters,
    });
    const headers = new Headers({ accept: 'application/json' });
    await authenticate(metadata, { client_id: target.client.clientId }, body, headers);
    const isJson = target.method.tokenRequestFormat === 'json';
    headers.set('content-type', isJson ? 'application/json' : 'application/x-www-form-urlencoded');
    if (dpopKey !== null) {
      const nonce = nonces.latest('authorization_server', url);
      headers.set('dpop', proveKey(dpopKey, { method: 'POST', url, nonce }));
    }
    const answer = await guardedFetch({
      url,
      method: 'POST',
      headers: Object.fromEntries(headers),
      body: isJson ? JSON.stringify(Object.fromEntries(body)) : body.toString(),
    });
    nonces.note('authorization_server', url, answer);
    return readTokenTrial(target, answer);
  };

  /** Asks with a proof where the app wants one, and with the nonce where the server does. */
  const tryToken = async (
    target: OAuthTarget,
    server: AuthorizationServer,
    parameters: Readonly<Record<string, string>>,
    seen: { dpopKey: DpopKey | null },
  ): Promise<TokenTrial> => {
    let trial = await askToken(target, server, parameters, seen.dpopKey);
    if (seen.dpopKey === null && (trial.says === 'dpop_wanted' || trial.says === 'nonce_wanted')) {
      seen.dpopKey = await createDpopKey();
      trial = await askToken(target, server, parameters, seen.dpopKey);
    }
    return trial.says === 'nonce_wanted' ? askToken(target, server, parameters, seen.dpopKey) : trial;
  };

  const tryAuthorization = async (
    target: OAuthTarget,
    { metadata }: AuthorizationServer,
    { redirectUri, scopes }: Parameters<OAuth['preflight']>[1],
  ): Promise<PreflightFinding[]> => {
    const { method, config, client } = target;
    const endpoint = metadata.authorization_endpoint ?? '';
    const url = new URL(endpoint);
    const parameters = {
      ...fillParams(method.authorizationParams ?? {}, config),
      ...{ response_type: 'code', client_id: client.clientId, redirect_uri: redirectUri, prompt: 'none' },
      ...{ scope: scopes.join(method.scopeSeparator), state: random() },
      ...(method.openidConnect ? { nonce: random() } : {}),
      ...(method.pkce === 'S256'
        ? {
            code_challenge: createHash('sha256').update(random()).digest('base64url'),
            code_challenge_method: 'S256',
          }
        : {}),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answer = await guardedFetch({
      url: url.href,
      method: 'GET',
      headers: { accept: 'text/html' },
      reportsRedirect: true,
    });
    return readAuthorization(answer, redirectUri, endpoint);
  };

  return async (target, input) => {
    let server: AuthorizationServer;
    try {
      server = await findServer(target);
    } catch (error) {
      const { message } = toTokenRequestError(error, () => wrongSetup('The provider was not found there.'));
      return { findings: [missing('address', message)], demandsDpop: false };
    }
    const seen: { dpopKey: DpopKey | null } = { dpopKey: null };
    const code = { code: random(), redirect_uri: input.redirectUri, code_verifier: random() };
    const orNothing = (error: unknown): TokenTrial => {
      if (!(error instanceof FetchError)) throw error;
      return { says: 'nothing' };
    };
    const byCode = await tryToken(target, server, { grant_type: 'authorization_code', ...code }, seen).catch(
      orNothing,
    );
    if (byCode.says === 'client_refused') {
      return {
        findings: [ok('address'), missing('client', byCode.detail)],
        demandsDpop: seen.dpopKey !== null,
      };
    }
    if (byCode.says === 'nothing') {
      return { findings: [ok('address'), unknown('client')], demandsDpop: seen.dpopKey !== null };
    }
    const refresh = { grant_type: 'refresh_token', refresh_token: random() };
    const byRefresh = await tryToken(target, server, refresh, seen).catch(orNothing);
    const isRefused = byCode.says === 'grant_refused' || byRefresh.says === 'grant_refused';
    const back = await tryAuthorization(target, server, input).catch((error: unknown) => {
      if (!(error instanceof FetchError)) throw error;
      return [unknown('redirect_uri'), unknown('scopes')];
    });
    const grantTypes = isRefused || back.some(({ step }) => step === 'grant_types') ? missing : ok;
    return {
      findings: [
        ...[ok('address'), ok('client'), grantTypes('grant_types')],
        ...back.filter(({ step }) => step !== 'grant_types'),
      ],
      demandsDpop: seen.dpopKey !== null,
    };
  };
};
