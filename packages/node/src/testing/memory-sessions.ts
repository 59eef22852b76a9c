import { createHash } from 'node:crypto';
import {
  type Connection,
  type ConnectSessionState,
  type CreatedConnectSession,
  connectedAccount,
  connectSessionRequest,
  finishConnectSessionRequest,
  type ParsedConnectSessionRequest,
  type SessionErrorCode,
} from '@authpipe/types';
import type { OwnerRef } from '../credential-ref.js';
import { AuthpipeError, invalidRequest } from '../errors.js';
import type { MemoryConnections } from './memory-connections.js';
import { type Route, read } from './route-table.js';
import type { TestCredential } from './test-credential.js';

/** What a person connects with a session. */
export interface TestConnect extends TestCredential {
  /** Default: the provider of the integration. */
  readonly provider?: string;
  /** Default: the session's only one, or the provider's id. */
  readonly integration?: string;
}

interface StoredSession {
  readonly request: ParsedConnectSessionRequest;
  readonly expiresAtMillis: number;
  state: ConnectSessionState;
  /** Makes the connection, once the backend has shown its verifier. */
  connect?: () => Connection;
}

const LIFETIME_MILLIS = 600_000;

/** Connect sessions: made by the code under test, finished by the test in the person's place. */
export class MemorySessions {
  readonly #connections: MemoryConnections;
  readonly #now: () => number;
  readonly #sessions = new Map<string, StoredSession>();

  constructor(connections: MemoryConnections, now: () => number) {
    this.#connections = connections;
    this.#now = now;
  }

  readonly routes: readonly Route[] = [
    ['POST /connect-sessions', ({ body }) => this.#create(read(connectSessionRequest, body))],
    ['GET /connect-sessions/:id', (_request, id = '') => this.#get(id).state],
    [
      'POST /connect-sessions/:id/finish',
      ({ body }, id = '') =>
        this.#finish(this.#get(id), read(finishConnectSessionRequest, body).codeVerifier),
    ],
  ];

  /** A person connects. @throws AuthpipeError `not_found`, `conflict`, `invalid_request` */
  complete(id: string, given: TestConnect): ConnectSessionState {
    const session = this.#pending(id);
    const { request } = session;
    const { provider, integration, ...credential } = given;
    const target = targetOf(request, provider, integration);
    const owner = request.userId === undefined ? { owner: 'tenant' } : { userId: request.userId };
    const ref = { ...target, ...owner, tenantId: request.tenantId, label: request.label } as OwnerRef;
    session.connect = () => this.#connections.connect(ref, credential).connection;
    if (request.codeChallenge === undefined) return this.#connect(session);
    session.state = { id, status: 'awaiting_finish' };
    return session.state;
  }

  /** A person gives up, or is refused. @throws AuthpipeError `not_found`, `conflict` */
  fail(id: string, code: SessionErrorCode): ConnectSessionState {
    const session = this.#pending(id);
    session.state = { id, status: 'failed', error: { code, detail: `The connect ended with ${code}.` } };
    return session.state;
  }

  #create(request: ParsedConnectSessionRequest): CreatedConnectSession {
    const number = this.#sessions.size + 1;
    const id = `sess_test_${number}`;
    const expiresAtMillis = this.#now() + LIFETIME_MILLIS;
    this.#sessions.set(id, { request, expiresAtMillis, state: { id, status: 'pending' } });
    return {
      id,
      token: `aps_test_${number}`,
      url: `https://authpipe.test/connect#test-${number}`,
      expiresAt: new Date(expiresAtMillis).toISOString(),
    };
  }

  #get(id: string): StoredSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new AuthpipeError('not_found', 'There is no such connect session.');
    const isOver = session.state.status !== 'complete' && session.state.status !== 'failed';
    if (isOver && this.#now() >= session.expiresAtMillis) session.state = { id, status: 'expired' };
    return session;
  }

  #pending(id: string): StoredSession {
    const session = this.#get(id);
    if (session.state.status === 'pending') return session;
    throw new AuthpipeError('conflict', `The connect session is ${session.state.status} already.`);
  }

  /** @see RFC 7636 section 4.6 */
  #finish(session: StoredSession, codeVerifier: string): ConnectSessionState {
    if (session.state.status === 'expired')
      throw new AuthpipeError('session_expired', 'The session is over.');
    if (session.state.status !== 'awaiting_finish') return session.state;
    const challenge = createHash('sha256').update(codeVerifier, 'ascii').digest('base64url');
    if (challenge !== session.request.codeChallenge) {
      throw invalidRequest("codeVerifier does not fit the session's codeChallenge.", '/codeVerifier');
    }
    return this.#connect(session);
  }

  #connect(session: StoredSession): ConnectSessionState {
    const connection = session.connect?.();
    session.state = {
      id: session.state.id,
      status: 'complete',
      ...(connection === undefined ? {} : { connection: connectedAccount.parse(connection) }),
    };
    return session.state;
  }
}

const targetOf = (
  { integrations = [] }: ParsedConnectSessionRequest,
  provider: string | undefined,
  integration: string | undefined,
) => {
  const chosen =
    integration ?? (provider === undefined && integrations.length === 1 ? integrations[0] : provider);
  if (chosen === undefined) {
    throw invalidRequest('Say which provider the person connects: { provider }.', '/provider');
  }
  if (integrations.length > 0 && !integrations.includes(chosen)) {
    throw invalidRequest(`The session allows ${integrations.join(', ')} only.`, '/integration');
  }
  return { provider: provider ?? chosen, integration: chosen };
};
