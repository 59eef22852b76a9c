import { createHash } from 'node:crypto';
import { authMethodOf } from '@authpipe/providers';
import type { ConnectSessionState } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import { Problem } from '../errors/problem.js';
import type { Logger } from '../log/logger.js';
import type { OAuth } from '../oauth/oauth.js';
import { asPerson } from './as-person.js';
import { connectionGone } from './attempt-outcome.js';
import { failedResult, type WriteAuditLine } from './audit-line.js';
import type { AuthorizationRequestStore } from './authorization-request-store.js';
import type { ConnectConnections, ConnectIntegrations } from './connect-integrations.js';
import { type ConnectSession, statusOf } from './connect-session.js';
import type { ConnectSessionStore } from './connect-session-store.js';
import { endGrant } from './end-grant.js';
import type { HeldCredentialStore } from './held-credential-store.js';
import { parseGrant, toNewGrant } from './received-grant.js';
import { sameHash } from './secret-hash.js';
import type { ChoiceOptions } from './session-choices.js';
import { toSessionState } from './session-state.js';
import { newGrantOf, parseTypedGrant } from './typed-grant.js';

/** How long a backend can ask how a session went, after the session's own time. */
const KEPT_SECONDS = 86_400;

export interface SessionEndDependencies {
  readonly sessions: Pick<ConnectSessionStore, 'findById' | 'settle' | 'listUnfinished' | 'deleteExpired'>;
  readonly requests: Pick<AuthorizationRequestStore, 'openHeldGrant' | 'deleteOfSession' | 'deleteExpired'>;
  readonly held: Pick<HeldCredentialStore, 'open' | 'drop'>;
  readonly integrations: Pick<ConnectIntegrations, 'openIntegration'>;
  readonly connections: ConnectConnections;
  readonly oauth: Pick<OAuth, 'revoke'>;
  readonly choiceOptions: ChoiceOptions;
  readonly writeAuditLine: WriteAuditLine;
  readonly clock: Clock;
  readonly log: Logger;
}

const challengeOf = (codeVerifier: string): Uint8Array =>
  createHash('sha256').update(codeVerifier, 'ascii').digest();

/** How sessions end: asked for, finished by the backend, cancelled by the person, swept away. */
export const createSessionEnd = ({
  sessions,
  requests,
  held: heldCredentials,
  integrations,
  connections,
  oauth,
  choiceOptions,
  writeAuditLine,
  clock,
  log,
}: SessionEndDependencies) => {
  /** The one answer to an unknown id, another environment's and another tenant's. */
  const find = async (environment: string, id: string, tenantId: string | null): Promise<ConnectSession> => {
    const session = await sessions.findById(id);
    if (
      !session ||
      session.environment !== environment ||
      (tenantId ?? session.tenantId) !== session.tenantId
    ) {
      throw new Problem('not_found', 'There is no such connect session.');
    }
    return session;
  };

  const stateOf = (session: ConnectSession) => toSessionState(session, connections, clock.now());

  const refuseUnfinished = (session: ConnectSession): void => {
    const status = statusOf(session, clock.now());
    if (status === 'expired') {
      throw new Problem('session_expired', 'The session ended before it was finished. Make a new one.');
    }
    if (status === 'pending') {
      throw new Problem('conflict', 'The person has not finished yet: wait for the status awaiting_finish.');
    }
  };

  /** What a person typed. @returns null when the session holds no such thing */
  const takeTyped = async (session: ConnectSession) => {
    const typed = await heldCredentials.open(session);
    return typed === null ? null : newGrantOf(parseTypedGrant(typed), session);
  };

  const keepHeldGrant = async (session: ConnectSession): Promise<void> => {
    const typed = await takeTyped(session);
    if (typed !== null) {
      const { connection } = await connections.saveGrant(typed);
      const outcome = { status: 'complete', connectionId: connection.id } as const;
      await sessions.settle(session.id, 'awaiting_finish', outcome, clock.now());
      await heldCredentials.drop(session);
      return;
    }
    const held = await requests.openHeldGrant(session.id);
    const opened = held && (await integrations.openIntegration(held.request.integrationRowId));
    if (!held || !opened) {
      throw new Problem(
        'integration_not_configured',
        'The integration was removed. Let the person connect again.',
      );
    }
    const grant = toNewGrant(parseGrant(held.grant), session, held.request, opened.integration);
    const { connection } = await connections.saveGrant(grant);
    const outcome = { status: 'complete', connectionId: connection.id } as const;
    await sessions.settle(session.id, 'awaiting_finish', outcome, clock.now());
    await requests.deleteOfSession(session.id);
    const { integrationRowId } = held.request;
    const result = { outcome: outcome.status, connectionId: connection.id, integrationRowId };
    await writeAuditLine(session, { audit: 'connect.completed', ...result });
  };

  /** Revokes what waits in a session that nobody will finish, then forgets it. */
  const dropHeldGrant = async (session: ConnectSession): Promise<void> => {
    await heldCredentials.drop(session);
    const held = await requests.openHeldGrant(session.id);
    const opened = held && (await integrations.openIntegration(held.request.integrationRowId));
    const definition = opened && choiceOptions.findProvider(opened.integration.provider);
    const method = definition && authMethodOf(definition, opened.integration.authMethod);
    if (held && definition && method?.kind === 'oauth2') {
      const target = { definition, method, config: held.request.config, client: opened.client };
      const revoked = await endGrant(oauth, target, parseGrant(held.grant).grant);
      log.info({ sessionId: session.id, revoked }, 'a grant that no backend fetched was not kept');
    }
    await requests.deleteOfSession(session.id);
  };

  const failWith = async (session: ConnectSession, error: NonNullable<ConnectSession['error']>) => {
    const isEnded = await sessions.settle(
      session.id,
      'awaiting_finish',
      { status: 'failed', error },
      clock.now(),
    );
    if (isEnded) await writeAuditLine(session, failedResult({ error, isFinal: true }));
    return isEnded;
  };

  return {
    /** How a session stands. @throws Problem `not_found` */
    getSession: async (
      environment: string,
      id: string,
      tenantId: string | null,
    ): Promise<ConnectSessionState> => stateOf(await find(environment, id, tenantId)),

    stateOf,

    /**
     * Makes the connection of a session with a `codeChallenge` active: only whoever began the session has its verifier,
     * so a grant that a stranger was led into giving is never used. Repeating it gives the same answer.
     * @see RFC 7636 section 4.6
     * @throws Problem `invalid_request` for a verifier that does not fit, `conflict` when it is too early or there is
     *   nothing to finish, `session_expired`, `not_found`
     */
    async finishSession(
      environment: string,
      id: string,
      codeVerifier: string,
      tenantId: string | null,
    ): Promise<ConnectSessionState> {
      const session = await find(environment, id, tenantId);
      if (session.codeChallenge === null) {
        throw new Problem(
          'conflict',
          'The session was made without a codeChallenge: there is nothing to finish.',
        );
      }
      if (!sameHash(challengeOf(codeVerifier), Buffer.from(session.codeChallenge, 'base64url'))) {
        throw new Problem('invalid_request', 'The code verifier does not fit the session’s codeChallenge.', {
          errors: [{ pointer: '/codeVerifier', detail: 'does not fit the codeChallenge' }],
        });
      }
      refuseUnfinished(session);
      if (session.status === 'awaiting_finish') {
        try {
          await keepHeldGrant(session);
        } catch (error) {
          if (!(error instanceof Problem && error.code === 'connection_not_found')) throw error;
          await failWith(session, connectionGone().error);
          await dropHeldGrant(session);
        }
      }
      return stateOf(await find(environment, id, tenantId));
    },

    /** Ends a session by the person's wish. What went wrong before is told instead, where something did. */
    async cancelSession(session: ConnectSession): Promise<void> {
      const error = session.error ?? {
        code: 'cancelled',
        detail: 'The person cancelled. Nothing was connected.',
      };
      if (await sessions.settle(session.id, 'pending', { status: 'failed', error }, clock.now())) {
        await asPerson(session, () => writeAuditLine(session, failedResult({ error, isFinal: true })));
      }
      await requests.deleteOfSession(session.id);
    },

    /**
     * Clears what is over: grants that no backend fetched in time are revoked, trips and old sessions deleted.
     * @param now by the caller's clock
     */
    async sweepSessions(now: Date): Promise<void> {
      for (const session of await sessions.listUnfinished(now)) {
        const error = {
          code: 'session_expired',
          detail: 'No backend finished the session in time.',
        } as const;
        if (await failWith(session, error)) await dropHeldGrant(session);
      }
      await requests.deleteExpired(now);
      await sessions.deleteExpired(addSeconds(now, -KEPT_SECONDS));
    },
  };
};
