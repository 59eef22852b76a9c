import { authMethodOf } from '@authpipe/providers';
import type { Clock } from '../clock.js';
import { refreshEndAfterConsent } from '../credentials/refresh-schedule.js';
import { Problem } from '../errors/problem.js';
import type { Logger } from '../log/logger.js';
import { createDpopKey } from '../oauth/dpop-key.js';
import type { OAuth, OAuthTarget, TokenGrant } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import { asPerson } from './as-person.js';
import {
  compareAccounts,
  connectionGone,
  type FailedAttempt,
  foreignAnswer,
  integrationChanged,
  integrationGone,
  missingCode,
  overtaken,
  readCallbackError,
  readExchangeError,
} from './attempt-outcome.js';
import { type AuditedResult, failedResult, type WriteAuditLine } from './audit-line.js';
import type {
  AuthorizationRequest,
  AuthorizationRequestStore,
  ConsumedRequest,
  RequestSecrets,
} from './authorization-request-store.js';
import type { ConnectConnections, ConnectIntegration, ConnectIntegrations } from './connect-integrations.js';
import { ConnectRefusal } from './connect-refusal.js';
import type { ConnectSession } from './connect-session.js';
import type { ConnectSessionStore, SessionOutcome } from './connect-session-store.js';
import { endGrant } from './end-grant.js';
import { type ReceivedGrant, serializeGrant, toNewGrant } from './received-grant.js';
import { sameHash, secretHash } from './secret-hash.js';
import type { ChoiceOptions } from './session-choices.js';

export interface CompleteConnectDependencies {
  readonly sessions: Pick<ConnectSessionStore, 'findById' | 'noteError' | 'settle'>;
  readonly requests: Pick<AuthorizationRequestStore, 'consume' | 'holdGrant' | 'deleteOfSession'>;
  readonly integrations: Pick<ConnectIntegrations, 'openIntegration'>;
  readonly connections: ConnectConnections;
  readonly oauth: Pick<OAuth, 'exchangeCode' | 'introspect' | 'namesIssuer' | 'revoke'>;
  readonly choiceOptions: ChoiceOptions;
  readonly writeAuditLine: WriteAuditLine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a browser brought back from the provider. */
export interface Callback {
  /** Path at which it came back: `/connect/callback`, or an integration's own below it. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** From the cookie; null when there is none. */
  readonly browserId: string | null;
}

type Attempt = SessionOutcome | FailedAttempt;

/** A trip that is under way, with all that the callback needs. */
interface Trip {
  readonly session: ConnectSession;
  readonly request: AuthorizationRequest;
  readonly integration: ConnectIntegration;
  readonly target: OAuthTarget;
}

/** Where providers lead back to, unless their integration names a place of its own. */
export const CALLBACK_PATH = '/connect/callback';

/**
 * Whether an answer came back at another redirect URI than the one that went out: then another provider sent it. What a
 * proxy of the app's passes on from a path of its own arrives at the usual one.
 * @see RFC 9700 section 4.4.2.2
 */
const isAtForeignPlace = (path: string, { redirectUri }: AuthorizationRequest): boolean => {
  const { pathname } = new URL(redirectUri);
  if (pathname.endsWith(path)) return false;
  return path !== CALLBACK_PATH || pathname.includes(`${CALLBACK_PATH}/`);
};

/** How an attempt went, for the audit. */
const auditedResult = (attempt: Attempt): AuditedResult => {
  if ('isFinal' in attempt) return failedResult(attempt);
  return attempt.status === 'complete'
    ? { audit: 'connect.completed', outcome: attempt.status, connectionId: attempt.connectionId }
    : { audit: 'connect.held', outcome: attempt.status };
};

/** Why a state is not taken; who it belongs to is told to the log alone. */
const refusedTrip = (consumed: Exclude<ConsumedRequest, { found: 'fresh' }>): ConnectRefusal => {
  if (consumed.found === 'unknown') return new ConnectRefusal('unknown_state');
  const { sessionId } = consumed;
  if (consumed.found === 'other_browser') return new ConnectRefusal('other_browser', { sessionId });
  return new ConnectRefusal(consumed.found === 'replayed' ? 'replayed' : 'session_expired', { sessionId });
};

/** The way back: the callback, the exchange, and what is kept of it. */
export const createCompleteConnect = ({
  sessions,
  requests,
  integrations,
  connections,
  oauth,
  choiceOptions,
  writeAuditLine,
  clock,
  log,
}: CompleteConnectDependencies) => {
  const discard = async ({ target, session }: Trip, grant: TokenGrant): Promise<void> => {
    const revoked = await endGrant(oauth, target, grant);
    log.info({ sessionId: session.id, provider: target.definition.id, revoked }, 'a grant was not kept');
  };

  /** When the refresh token ends: by introspection, else by the token answer, else by the provider's documentation. */
  const refreshEndOf = async ({ target }: Trip, grant: TokenGrant, issuedAt: Date): Promise<Date | null> => {
    if (grant.refreshToken === null) return null;
    const told = await oauth.introspect(target, grant.refreshToken, 'refresh_token').catch(() => null);
    // An end that has passed is no word on a token that was just given.
    if (told?.expiresAt && told.expiresAt > issuedAt) return told.expiresAt;
    return refreshEndAfterConsent({ method: target.method, grant, issuedAt });
  };

  const save = async (trip: Trip, received: ReceivedGrant): Promise<Attempt> => {
    const { session, request, integration } = trip;
    // Asking the provider takes seconds, in which the person may have cancelled or finished in another tab.
    if ((await sessions.findById(session.id))?.status !== 'pending') return overtaken();
    if (session.codeChallenge !== null) {
      return (await requests.holdGrant(request, serializeGrant(received)))
        ? { status: 'awaiting_finish' }
        : overtaken();
    }
    const { connection } = await connections.saveGrant(toNewGrant(received, session, request, integration));
    return { status: 'complete', connectionId: connection.id };
  };

  /** Keeps a grant where it belongs, or sees that it does not live on unknown. */
  const keep = async (
    trip: Trip,
    { grant, issuedAt, dpopKey }: Omit<ReceivedGrant, 'refreshExpiresAt'>,
  ): Promise<Attempt> => {
    const { session, target } = trip;
    const { reconnectId, environment } = session;
    try {
      const reconnected =
        reconnectId === null ? null : await connections.findRecord(reconnectId, environment);
      const refused =
        reconnectId === null
          ? null
          : reconnected
            ? compareAccounts(reconnected, grant.account, target.definition.name)
            : connectionGone();
      const outcome =
        refused ??
        (await save(trip, {
          grant,
          issuedAt,
          dpopKey,
          refreshExpiresAt: await refreshEndOf(trip, grant, issuedAt),
        }));
      if ('error' in outcome) await discard(trip, grant);
      return outcome;
    } catch (error) {
      await discard(trip, grant);
      if (error instanceof Problem && error.code === 'connection_not_found') return connectionGone();
      throw error;
    }
  };

  /**
   * Whether an error is not of the issuer that was asked. Of codes the exchange checks the same.
   * @see RFC 9207 section 2.4
   */
  const isFromElsewhere = async (query: URLSearchParams, target: OAuthTarget, issuer: string | null) => {
    if (issuer === null) return false;
    return query.has('iss') ? query.get('iss') !== issuer : oauth.namesIssuer(target);
  };

  const attempt = async (
    session: ConnectSession,
    request: AuthorizationRequest,
    secrets: RequestSecrets,
    { query, path }: Pick<Callback, 'query' | 'path'>,
  ): Promise<Attempt> => {
    const opened = await integrations.openIntegration(request.integrationRowId);
    const definition = opened && choiceOptions.findProvider(opened.integration.provider);
    const method = definition && authMethodOf(definition, opened.integration.authMethod);
    if (!definition || method?.kind !== 'oauth2') return integrationGone();
    if (isAtForeignPlace(path, request)) return foreignAnswer(definition.name);
    const { integration, client } = opened;
    const target = { definition, method, config: request.config, client };
    const trip: Trip = { session, request, integration, target };
    const error = query.get('error');
    const callbackUrl = new URL(request.redirectUri);
    callbackUrl.search = query.toString();
    try {
      if (error !== null) {
        return (await isFromElsewhere(query, target, request.issuer))
          ? foreignAnswer(definition.name)
          : readCallbackError(
              error,
              definition.name,
              method.readAuthorizationError?.(error, query.get('error_description') ?? '') ?? null,
            );
      }
      if (!query.has('code')) return missingCode(definition.name);
      if (integration.version !== request.integrationVersion) return integrationChanged();
      const dpopKey = integration.dpop ? await createDpopKey() : undefined;
      const issuedAt = clock.now();
      const grant = await oauth.exchangeCode(target, {
        callbackUrl,
        // The state was found by its hash, so this repeats what is known.
        expectedState: query.get('state') ?? '',
        expectedNonce: secrets.nonce,
        codeVerifier: secrets.codeVerifier,
        expectedIssuer: request.issuer,
        dpopKey,
      });
      return await keep(trip, { grant, issuedAt, dpopKey });
    } catch (failure) {
      if (!(failure instanceof TokenRequestError)) throw failure;
      return readExchangeError(failure, definition.name);
    }
  };

  const record = async (
    session: ConnectSession,
    { integrationRowId }: AuthorizationRequest,
    outcome: Attempt,
  ): Promise<void> => {
    const now = clock.now();
    await writeAuditLine(session, { integrationRowId, ...auditedResult(outcome) });
    if (!('isFinal' in outcome)) {
      const isSettled = await sessions.settle(session.id, 'pending', outcome, now);
      // A cancel between the last look and the save came too late: there is a connection, so nobody is told otherwise.
      if (!isSettled && outcome.status === 'complete')
        await sessions.settle(session.id, 'failed', outcome, now);
    } else if (outcome.isFinal) {
      await sessions.settle(session.id, 'pending', { status: 'failed', error: outcome.error }, now);
    } else {
      await sessions.noteError(session.id, outcome.error, now);
    }
  };

  /** The session of a state, which is used up with this. @throws ConnectRefusal and then nothing of the session changes */
  const takeTrip = async ({ query, browserId }: Callback) => {
    const now = clock.now();
    const browserHash = browserId === null ? null : secretHash(browserId);
    const consumed = await requests.consume(secretHash(query.get('state') ?? ''), browserHash, now);
    if (consumed.found !== 'fresh') throw refusedTrip(consumed);
    const { request, secrets } = consumed;
    const session = await sessions.findById(request.sessionId);
    if (!session) throw new ConnectRefusal('unknown_session');
    if (!sameHash(session.browserHash, browserHash)) {
      throw new ConnectRefusal('other_browser', { sessionId: session.id });
    }
    // A trip never outlasts its session, so what is not pending has ended.
    if (session.status !== 'pending') throw new ConnectRefusal('session_over', { sessionId: session.id });
    return { session, request, secrets };
  };

  /**
   * Takes what the provider sent back with the person: uses the state up first, then swaps the code.
   * @returns the session's id; how it went is in the session
   * @throws ConnectRefusal when the callback is not this browser's, came before, or came too late
   */
  return async (callback: Callback): Promise<string> => {
    const { session, request, secrets } = await takeTrip(callback);
    await asPerson(session, async () => {
      await record(session, request, await attempt(session, request, secrets, callback));
    });
    return session.id;
  };
};
