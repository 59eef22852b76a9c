import type { Connection, Credential, EventType, Metadata, NamedSecret, StatusReason } from '@authpipe/types';
import { DEFAULT_LABEL } from '@authpipe/types';
import type { LooseRef, OwnerRef } from '../credential-ref.js';
import { isTokenDeadFor } from '../credential-verdict.js';
import { AuthpipeError } from '../errors.js';
import type { EventExtras, EventLog } from './event-log.js';
import {
  endingIn,
  renewed,
  type StoredCredential,
  storedCredential,
  type TestCredential,
  toCredential,
} from './test-credential.js';

/** One connection with what it holds. */
export interface StoredConnection {
  connection: Connection;
  credential: StoredCredential;
  readonly secrets: Map<string, NamedSecret>;
}

/** The environment that the test's API key opens. */
export const TEST_ENVIRONMENT = 'test';

/** Connections as the server keeps them: every change is written as an event. Speaks `AuthpipeError` for refusals. */
export class MemoryConnections {
  readonly #now: () => number;
  readonly #events: EventLog;
  readonly #stored = new Map<string, StoredConnection>();
  #connectionsMade = 0;
  #credentialsMade = 0;

  constructor(now: () => number, events: EventLog) {
    this.#now = now;
    this.#events = events;
  }

  /** The newest first. */
  list(): StoredConnection[] {
    return [...this.#stored.values()].reverse();
  }

  /** @throws AuthpipeError `connection_not_found` */
  get(id: string): StoredConnection {
    const stored = this.#stored.get(id);
    if (stored === undefined) throw notFound();
    return stored;
  }

  /** The connection that a ref means. @throws AuthpipeError `connection_not_found`, `connection_ambiguous` */
  find(ref: LooseRef): StoredConnection {
    if (ref.connectionId !== undefined) return this.get(ref.connectionId);
    const integration = ref.integration ?? this.#integrationOf(ref.provider ?? '');
    const found = this.list().find(
      ({ connection }) =>
        connection.integration === integration &&
        (ref.integration === undefined || (ref.provider ?? connection.provider) === connection.provider) &&
        isOwnedBy(connection, ref),
    );
    if (found === undefined) throw notFound();
    return found;
  }

  /** Makes a connection; the same integration, owner and label again replaces what it holds, and mends it. */
  connect(ref: OwnerRef, given: TestCredential): StoredConnection {
    const now = this.#now();
    const integration = ref.integration ?? ref.provider ?? '';
    const before = this.list().find(
      ({ connection }) => connection.integration === integration && isOwnedBy(connection, ref),
    );
    const credential = storedCredential(given, given.credential ?? this.#nextCredential(), now);
    const state = settled(given, credential, new Date(now).toISOString());
    if (before !== undefined) {
      const wasWell = before.connection.status === 'healthy';
      before.credential = credential;
      const version = before.connection.version + 1;
      this.#change(before, { ...state, version }, wasWell ? 'connection.updated' : 'connection.recovered');
      return before;
    }
    this.#connectionsMade += 1;
    const connection: Connection = {
      id: `conn_test_${this.#connectionsMade}`,
      environment: TEST_ENVIRONMENT,
      integration,
      provider: ref.provider ?? integration,
      authMethod: credential.kind,
      tenantId: ref.tenantId,
      owner: ref.userId === undefined ? 'tenant' : 'user',
      userId: ref.userId ?? null,
      label: ref.label ?? DEFAULT_LABEL,
      reconnectBy: null,
      version: 1,
      createdAt: state.since,
      ...state,
    };
    const made: StoredConnection = { connection, credential, secrets: new Map() };
    this.#stored.set(connection.id, made);
    this.#events.tell('connection.created', connection);
    return made;
  }

  /** The credential of a connection, renewed where it is due. @throws AuthpipeError as the server refuses */
  credentialOf(stored: StoredConnection): Credential {
    this.#renewIfDue(stored);
    const hasEnded = (stored.credential.expiresAtMillis ?? Number.POSITIVE_INFINITY) <= this.#now();
    if (hasEnded && !stored.credential.isRenewable) this.needsReconnect(stored, 'refresh_token_missing');
    const { status, reason, id } = stored.connection;
    if (status === 'needs_reconnect' && (hasEnded || isTokenDeadFor(reason))) {
      throw new AuthpipeError('needs_reconnect', 'The account has to be connected again by a person.', {
        connectionId: id,
        reason: reason ?? undefined,
      });
    }
    if (hasEnded) {
      throw new AuthpipeError(
        'provider_unavailable',
        'The access token has ended and the provider gave no new one yet.',
        { connectionId: id, reason: reason ?? undefined, retryAfterSeconds: 5 },
      );
    }
    return toCredential(stored.connection, stored.credential);
  }

  /** Gets a new credential. @throws AuthpipeError `needs_reconnect`, `provider_unavailable` */
  refresh(stored: StoredConnection, credential = this.#nextCredential(), extras: EventExtras = {}): void {
    const { status, id, version } = stored.connection;
    const reason = stored.connection.reason ?? undefined;
    if (status === 'needs_reconnect') {
      throw new AuthpipeError('needs_reconnect', 'A person has to reconnect.', { connectionId: id, reason });
    }
    if (status === 'degraded') {
      throw new AuthpipeError('provider_unavailable', 'The provider gives no new credential at this time.', {
        connectionId: id,
        reason,
      });
    }
    stored.credential = renewed(stored.credential, credential, this.#now());
    this.#change(stored, { version: version + 1 }, 'credential.refreshed', extras);
  }

  /** Gets a credential that is valid for so long. @throws AuthpipeError as the server refuses: its credentials never are */
  refreshFor(stored: StoredConnection, minValiditySeconds: number): void {
    const { expiresAtMillis, lifetimeSeconds } = stored.credential;
    if (expiresAtMillis === null || expiresAtMillis - this.#now() >= minValiditySeconds * 1_000) return;
    if (lifetimeSeconds === null || minValiditySeconds <= lifetimeSeconds) {
      this.refresh(stored);
      return;
    }
    const detail = `must be at most ${lifetimeSeconds}: the provider's tokens live for ${lifetimeSeconds} s`;
    throw new AuthpipeError('invalid_request', `minValiditySeconds ${detail}.`, {
      errors: [{ pointer: '/minValiditySeconds', detail }],
    });
  }

  /** Lets the credential end in so many seconds. */
  expiresIn(stored: StoredConnection, seconds: number): void {
    stored.credential = { ...stored.credential, ...endingIn(seconds, this.#now()) };
    this.#change(stored, { version: stored.connection.version + 1 }, 'credential.refreshed');
  }

  needsReconnect(stored: StoredConnection, reason: StatusReason): void {
    const since = new Date(this.#now()).toISOString();
    this.#change(stored, { status: 'needs_reconnect', reason, since }, 'connection.needs_reconnect');
  }

  degrade(stored: StoredConnection, reason: StatusReason): void {
    const since = new Date(this.#now()).toISOString();
    this.#change(stored, { status: 'degraded', reason, since }, 'connection.degraded');
  }

  recover(stored: StoredConnection): void {
    const since = new Date(this.#now()).toISOString();
    this.#change(stored, { status: 'healthy', reason: null, since }, 'connection.recovered');
  }

  update(stored: StoredConnection, metadata: Metadata): void {
    this.#change(stored, { metadata }, 'connection.updated');
  }

  delete(stored: StoredConnection): void {
    this.#stored.delete(stored.connection.id);
    this.#events.tell('connection.deleted', stored.connection);
  }

  /** Renews everything that is due, as the server does by itself. */
  renewDue(): void {
    for (const stored of this.#stored.values()) this.#renewIfDue(stored);
  }

  #renewIfDue(stored: StoredConnection): void {
    const { isRenewable, refreshAfterMillis } = stored.credential;
    const isWell = stored.connection.status === 'healthy' || stored.connection.status === 'unverified';
    if (isRenewable && isWell && (refreshAfterMillis ?? Number.POSITIVE_INFINITY) <= this.#now()) {
      this.refresh(stored);
    }
  }

  #change(
    stored: StoredConnection,
    changes: Partial<Connection>,
    event: EventType,
    extras?: EventExtras,
  ): void {
    const updatedAt = new Date(this.#now()).toISOString();
    stored.connection = { ...stored.connection, ...changes, updatedAt };
    this.#events.tell(event, stored.connection, extras);
  }

  /** The integration of that id, or the only one of that provider. */
  #integrationOf(provider: string): string {
    const connections = this.list().map(({ connection }) => connection);
    if (connections.some(({ integration }) => integration === provider)) return provider;
    const fitting = new Set(
      connections.filter((one) => one.provider === provider).map(({ integration }) => integration),
    );
    if (fitting.size > 1) {
      const names = [...fitting].sort().join(', ');
      throw new AuthpipeError(
        'connection_ambiguous',
        `Several integrations fit: ${names}. Give integration.`,
      );
    }
    return [...fitting][0] ?? provider;
  }

  #nextCredential(): string {
    this.#credentialsMade += 1;
    return `test-credential-${this.#credentialsMade}`;
  }
}

const settled = (given: TestCredential, { kind }: StoredCredential, now: string) => ({
  kind,
  status: 'healthy' as const,
  reason: null,
  since: now,
  account: given.account ?? null,
  scopes: [...(given.scopes ?? [])],
  missingScopes: [...(given.missingScopes ?? [])],
  config: { ...given.config },
  metadata: { ...given.metadata },
  lostScopes: [],
  failedApi: null,
  verifiedAt: now,
  verifiedBy: 'connect',
  updatedAt: now,
});

const isOwnedBy = (connection: Connection, ref: LooseRef): boolean =>
  connection.tenantId === ref.tenantId &&
  connection.userId === (ref.userId ?? null) &&
  connection.label === (ref.label ?? DEFAULT_LABEL);

const notFound = (): AuthpipeError =>
  new AuthpipeError('connection_not_found', 'There is no such connection.');
