import { addSeconds, type Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import type { OAuth } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import { newId, type Randomness } from '../randomness.js';
import { asPerson } from './as-person.js';
import { readExchangeError } from './attempt-outcome.js';
import { failedResult, type WriteAuditLine } from './audit-line.js';
import type { AuthorizationRequest, AuthorizationRequestStore } from './authorization-request-store.js';
import { CALLBACK_PATH } from './complete-connect.js';
import type { ConnectConnections, ConnectIntegrations } from './connect-integrations.js';
import { ConnectRefusal } from './connect-refusal.js';
import { type ConnectSession, statusOf } from './connect-session.js';
import type { ConnectSessionStore } from './connect-session-store.js';
import { secretHash } from './secret-hash.js';
import {
  type ChoiceOptions,
  type ConnectOption,
  chosenScopes,
  findChoices,
  isOAuthChoice,
  pickChoice,
  type Settings,
  toOptions,
} from './session-choices.js';
import { newSecret } from './session-token.js';

/** Long enough to set up a second factor on the way, within the session's own time. */
const TRIP_SECONDS = 1800;

export interface StartConnectDependencies {
  readonly sessions: Pick<ConnectSessionStore, 'noteError'>;
  readonly requests: Pick<AuthorizationRequestStore, 'insert'>;
  readonly integrations: ConnectIntegrations;
  readonly connections: Pick<ConnectConnections, 'findRecord'>;
  readonly oauth: Pick<OAuth, 'authorizationUrl'>;
  readonly choiceOptions: ChoiceOptions;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly writeAuditLine: WriteAuditLine;
  readonly log: Logger;
}

/** The way out: what can be picked, and the trip to the provider. */
export const createStartConnect = ({
  sessions,
  requests,
  integrations,
  connections,
  oauth,
  choiceOptions,
  publicUrl,
  clock,
  randomness,
  writeAuditLine,
  log,
}: StartConnectDependencies) => {
  /** The connection that a session mends, if it still exists. */
  const reconnectedBy = ({ reconnectId, environment }: ConnectSession) =>
    reconnectId === null ? null : connections.findRecord(reconnectId, environment);

  const listOptions = async (session: ConnectSession): Promise<ConnectOption[]> => {
    const { environment, tenantId, chosen, config } = session;
    const reconnected = await reconnectedBy(session);
    const filter = reconnected
      ? {
          integrations: [reconnected.integrationId],
          chosen: null,
          config: { ...reconnected.config, ...config },
          reconnected,
        }
      : { integrations: session.integrations, chosen, config };
    const available = await integrations.findIntegrations({ environment, tenantId });
    const options = toOptions(findChoices(available, filter, choiceOptions));
    if (options.length === 0) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    return options;
  };

  const pick = async (session: ConnectSession, optionId: string, typed: Settings) => {
    const option = (await listOptions(session)).find(({ id }) => id === optionId);
    if (!option) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    const asked = Object.fromEntries(Object.entries(typed).filter(([field]) => option.asks.includes(field)));
    const picked = pickChoice(option, asked, choiceOptions.allowLoopback);
    if ('choice' in picked) return picked.choice;
    throw new ConnectRefusal('wrong_settings', { sessionId: session.id, errors: picked.errors });
  };

  return {
    listOptions,
    reconnectedBy,
    pick,

    /**
     * Begins a trip: state, PKCE verifier, nonce and expected issuer are kept, tied to this browser, and the person is
     * sent to the returned address.
     * @throws ConnectRefusal
     * @see RFC 9700 sections 2.1 and 4.7
     */
    async start(
      session: ConnectSession,
      browserId: string,
      { optionId, typed }: { readonly optionId: string; readonly typed: Settings },
    ): Promise<URL> {
      const now = clock.now();
      const status = statusOf(session, now);
      if (status === 'expired') throw new ConnectRefusal('session_expired', { sessionId: session.id });
      if (status !== 'pending') throw new ConnectRefusal('session_over', { sessionId: session.id });
      const choice = await pick(session, optionId, typed);
      // Of an option with a form, somebody posted to the wrong place.
      if (!isOAuthChoice(choice)) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
      const { integration, definition, method, config } = choice;
      const opened = await integrations.openIntegration(integration.rowId);
      if (!opened) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });

      const scopes = [...new Set([...chosenScopes(session, choice), ...method.impliedScopes])];
      const redirectUri = integration.redirectUri ?? `${publicUrl}${CALLBACK_PATH}`;
      const state = newSecret(randomness);
      const secrets = { codeVerifier: newSecret(randomness), nonce: newSecret(randomness) };
      const email = (await reconnectedBy(session))?.account?.email;
      const target = { definition, method, config, client: opened.client };
      const { url, issuer } = await oauth
        .authorizationUrl(target, {
          ...secrets,
          redirectUri,
          state,
          scopes,
          ...(email === undefined ? {} : { loginHint: email }),
        })
        .catch(async (error: unknown) => {
          if (!(error instanceof TokenRequestError)) throw error;
          const { outcome } = error.verdict;
          const failure = readExchangeError(error, definition.name);
          const failed = { integrationRowId: integration.rowId, ...failedResult(failure) };
          await asPerson(session, () => writeAuditLine(session, failed));
          await sessions.noteError(session.id, failure.error, clock.now());
          throw new ConnectRefusal(outcome === 'transient' ? 'provider_away' : 'provider_setup', {
            sessionId: session.id,
          });
        });

      const request: AuthorizationRequest = {
        id: newId('areq', randomness),
        sessionId: session.id,
        integrationRowId: integration.rowId,
        integrationVersion: integration.version,
        environment: session.environment,
        tenantId: session.tenantId,
        issuer,
        redirectUri,
        config,
        requestedScopes: scopes,
        createdAt: now,
        expiresAt: new Date(Math.min(addSeconds(now, TRIP_SECONDS).getTime(), session.expiresAt.getTime())),
      };
      await requests.insert(request, secrets, {
        stateHash: secretHash(state),
        browserHash: secretHash(browserId),
      });
      log.info({ sessionId: session.id, provider: definition.id }, 'a person goes to the provider');
      return url;
    },
  };
};
