import type {
  AuthpipeEvent,
  Connection,
  ConnectSessionState,
  EventType,
  SessionErrorCode,
  StatusReason,
} from '@authpipe/types';
import { type CredentialRef, checkRef, type OwnerRef } from '../credential-ref.js';
import { invalidRequest } from '../errors.js';
import type { AuthpipeOptions } from '../options.js';
import type { StoredConnection } from './memory-connections.js';
import type { MemoryServer, TestRequest } from './memory-server.js';
import type { TestConnect } from './memory-sessions.js';
import { type SignedWebhook, signWebhook } from './sign-webhook.js';
import type { TestClock } from './test-clock.js';
import type { TestCredential } from './test-credential.js';

/** What the controls work on. */
export interface TestControlTools {
  readonly server: MemoryServer;
  readonly clock: TestClock;
  readonly options: AuthpipeOptions;
  readonly webhookSecret: string;
}

/** How a refresh goes. */
export interface TestRefresh {
  /** The new credential. Default: the next `test-credential-…`. */
  readonly credential?: string;
  /** The provider ended the credential before. Default: false. */
  readonly invalidatesPrevious?: true;
}

/** What an event of a type says of the connection. */
const STATES: Partial<Record<EventType, Pick<Connection, 'status' | 'reason'>>> = {
  'connection.needs_reconnect': { status: 'needs_reconnect', reason: 'revoked' },
  'connection.degraded': { status: 'degraded', reason: 'provider_down' },
  'connection.recovered': { status: 'healthy', reason: null },
};

/**
 * What a test does in the place of people, providers and time. Whatever changes something resolves once every client of
 * this server has heeded it: the next line of the test sees it. A client without its event stream (`stream: false`, or
 * during an outage) learns of it as in life, when it next asks: move the clock with `advance`.
 */
export class TestControls {
  /** For more clients of the same server: `new Authpipe({ ...testing.options, maxEntries: 1 })`. */
  readonly options: AuthpipeOptions;
  /** Secret of the webhook endpoint: what the code under test gives `verifyWebhook`. */
  readonly webhookSecret: string;
  readonly #server: MemoryServer;
  readonly #clock: TestClock;

  /** @internal */
  constructor({ server, clock, options, webhookSecret }: TestControlTools) {
    this.#server = server;
    this.#clock = clock;
    this.options = options;
    this.webhookSecret = webhookSecret;
  }

  /** The time of client and server. Milliseconds since 1970. */
  now(): number {
    return this.#clock.now();
  }

  /** Connects an account. The same provider, owner and label again reconnects it, with what is given now. */
  connect(ref: OwnerRef, credential: TestCredential = {}): Promise<Connection> {
    checkRef(ref);
    return this.#changeForAll(() => this.#server.connections.connect(ref, credential).connection);
  }

  /**
   * Only a person can mend the connection from now on. After `refresh_token_expired`, `refresh_token_missing`,
   * `rotation_lost` and `deployment_copied` the access token lives to its own end, after any other reason it is dead.
   * @param reason default: `revoked`
   */
  needsReconnect(ref: CredentialRef, reason: StatusReason = 'revoked'): Promise<Connection> {
    return this.#act(ref, (stored) => this.#server.connections.needsReconnect(stored, reason));
  }

  /**
   * The credential ends in so many seconds from now. The server renews it before, at half of a short time; not where the
   * connection is degraded, or the server is away.
   */
  expiresIn(ref: CredentialRef, seconds: number): Promise<Connection> {
    if (!(seconds > 0)) throw invalidRequest('seconds must be more than 0.', '/seconds');
    return this.#act(ref, (stored) => this.#server.connections.expiresIn(stored, seconds));
  }

  /** The server has a new credential. @throws AuthpipeError where the connection is not healthy */
  refresh(ref: CredentialRef, { credential, ...extras }: TestRefresh = {}): Promise<Connection> {
    return this.#act(ref, (stored) => this.#server.connections.refresh(stored, credential, extras));
  }

  /**
   * The provider is in trouble: the credential is served to its end, and no new one is to be had.
   * @param reason default: `provider_down`
   */
  degrade(ref: CredentialRef, reason: StatusReason = 'provider_down'): Promise<Connection> {
    return this.#act(ref, (stored) => this.#server.connections.degrade(stored, reason));
  }

  /** The connection is well again, as it was before `degrade` or `needsReconnect`. */
  recover(ref: CredentialRef): Promise<Connection> {
    return this.#act(ref, (stored) => this.#server.connections.recover(stored));
  }

  /** The connection is gone. */
  delete(ref: CredentialRef): Promise<Connection> {
    return this.#act(ref, (stored) => this.#server.connections.delete(stored));
  }

  /** A person finishes a connect session that the code under test made. */
  completeSession(id: string, connect: TestConnect = {}): Promise<ConnectSessionState> {
    return this.#change(() => this.#server.sessions.complete(id, connect));
  }

  /** A person ends a connect session without a connection. @param code default: `access_denied` */
  failSession(id: string, code: SessionErrorCode = 'access_denied'): Promise<ConnectSessionState> {
    return this.#change(() => this.#server.sessions.fail(id, code));
  }

  /**
   * Lets time pass: credentials are renewed and end, clients try again what they put off. Only here, and where a client
   * waits before a retry, does time pass at all.
   */
  async advance(seconds: number): Promise<void> {
    if (!(seconds >= 0)) throw invalidRequest('seconds must be 0 or more.', '/seconds');
    await this.#change(() => {
      this.#clock.move(seconds * 1_000);
      this.#server.connections.renewDue();
      this.#server.events.beat();
    });
    this.#clock.wake();
    await this.settled();
  }

  /**
   * The Authpipe server can't be reached (`true`), or can be again (`false`). A client comes back by its own clock:
   * after `advance(30)` it has.
   */
  async outage(isDown: boolean): Promise<void> {
    await this.#change(() => this.#server.setDown(isDown));
  }

  /** What the clients asked of the server, in order, without what is secret. The event stream is not among it. */
  requests(): readonly TestRequest[] {
    return this.#server.requests;
  }

  /** What happened to connections, in order. */
  events(): readonly AuthpipeEvent[] {
    return this.#server.events.events;
  }

  /**
   * An event about a connection, for `signWebhook`. Nothing happens by it: one that tells of a state says that state, with
   * `reason`, whatever the connection's is. Of a connection that is gone, `events()` has the last.
   * @param reason default: `revoked` for `connection.needs_reconnect`, `provider_down` for `connection.degraded`
   */
  event(type: EventType, ref: CredentialRef, reason?: StatusReason): AuthpipeEvent {
    const { connection } = this.#find(ref);
    const told = STATES[type];
    if (told === undefined) return this.#server.events.eventOf(type, connection);
    const isSo = connection.status === told.status && reason === undefined;
    const state = isSo ? {} : { ...told, ...(reason === undefined ? {} : { reason }) };
    return this.#server.events.eventOf(type, { ...connection, ...state });
  }

  /** A webhook of the server, to be handed to the route under test. `verifyWebhook` accepts it with `webhookSecret`. */
  signWebhook(event: AuthpipeEvent): SignedWebhook {
    return signWebhook(event, this.webhookSecret, this.#clock.now());
  }

  /** Resolves when the clients have nothing under way: after a read that was answered while a newer one was fetched. */
  settled(): Promise<void> {
    return this.#server.settled();
  }

  #find(ref: CredentialRef): StoredConnection {
    checkRef(ref);
    return this.#server.connections.find(ref);
  }

  #act(ref: CredentialRef, act: (stored: StoredConnection) => void): Promise<Connection> {
    return this.#changeForAll(() => {
      const stored = this.#find(ref);
      act(stored);
      return stored.connection;
    });
  }

  /**
   * A client fetches news only of what was read since the news before, and lets the next read of the rest have the old,
   * valid one: here it has to drop that, so that every next read sees the change.
   */
  async #changeForAll<T>(change: () => T): Promise<T> {
    const result = await this.#change(change);
    await this.#change(() => this.#server.events.insist({ invalidatesPrevious: true }));
    return result;
  }

  /** What is under way first comes to its end: an event stream that is just being opened would miss the change. */
  async #change<T>(change: () => T): Promise<T> {
    await this.settled();
    const result = change();
    await this.settled();
    return result;
  }
}
