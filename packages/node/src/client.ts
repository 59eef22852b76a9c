import type {
  AuthpipeEvent,
  Connection,
  ConnectionReport,
  ConnectSessionRequest,
  ConnectSessionState,
  CreatedConnectSession,
  Credential,
  DeletedConnection,
  DeletedTenant,
  ImportConnectionRequest,
  Integration,
  IntegrationRequest,
  Metadata,
  NamedSecret,
  NamedSecretInfo,
} from '@authpipe/types';
import type { Clock } from './clock.js';
import { ConnectSessions } from './connect-sessions.js';
import { type CallOptions, type ConnectionFilter, Connections, type CreateOptions } from './connections.js';
import { CredentialReader, type ReadOptions } from './credential-reader.js';
import type { CredentialRef } from './credential-ref.js';
import { endsCredential } from './credential-verdict.js';
import { AuthorizedFetch } from './fetch/authorized-fetch.js';
import type { FetchInput } from './fetch/outgoing-request.js';
import { HttpTransport } from './http-transport.js';
import { type IntegrationOptions, Integrations } from './integrations.js';
import { NamedSecrets } from './named-secrets.js';
import { CacheObserver } from './observe/cache-observer.js';
import { Telemetry } from './observe/telemetry.js';
import { type AuthpipeOptions, checkOptions } from './options.js';
import { type PreloadResult, type PreloadScope, preload } from './preload.js';
import { type ProviderWebhookInput, ProviderWebhooks } from './provider-webhooks.js';
import { EventStream } from './stream/event-stream.js';
import { UsageSums } from './usage-sums.js';
import { type VerifyWebhookInput, verifyWebhook } from './verify-webhook.js';

/**
 * What keeps the cache fresh: `stream`, the server's events, which tell of every change at once; `max_age`, the age of
 * what is cached, which bounds how late a change is seen by `maxAgeSeconds`.
 */
export type Freshness = 'stream' | 'max_age';

/**
 * A client of an Authpipe server. Make one per process and keep it: its cache is what makes reads instant.
 *
 * Every method rejects with an `AuthpipeError`, or with the reason of the signal it was given.
 */
export class Authpipe {
  /** Where the server is. */
  readonly baseUrl: string;
  /** The environment that the API key opens, such as `live` or `test`. */
  readonly environment: string;
  readonly #transport: HttpTransport;
  readonly #reader: CredentialReader;
  readonly #stream: EventStream | undefined;
  readonly #telemetry: Telemetry;
  readonly #maxEntries: number;
  readonly #connections: Connections;
  readonly #sessions: ConnectSessions;
  readonly #integrations: Integrations;
  readonly #secrets: NamedSecrets;
  readonly #fetch: AuthorizedFetch;
  readonly #webhooks: ProviderWebhooks;
  readonly #clock: Clock;

  /** @throws AuthpipeError `invalid_request` when an option is wrong or missing, saying what to change */
  constructor(options: AuthpipeOptions = {}) {
    const checked = checkOptions(options);
    this.baseUrl = checked.baseUrl;
    this.environment = checked.environment;
    const uses = checked.reportUsage ? new UsageSums() : undefined;
    const observer = new CacheObserver(checked.hooks);
    this.#telemetry = new Telemetry({
      ...checked,
      counts: observer.counts,
      size: () => this.#reader.size,
      isStreaming: () => this.freshness === 'stream',
      onMetrics: () => this.#reader.observeHits(),
    });
    this.#transport = new HttpTransport(checked, Math.random, this.#telemetry.runRequest, {
      uses,
      onOutcome: (isReached) => {
        if (isReached) this.#stream?.hurry();
        else this.#stream?.noteTrouble();
      },
    });
    this.#connections = new Connections(this.#transport);
    this.#sessions = new ConnectSessions(this.#transport);
    this.#integrations = new Integrations(this.#transport);
    this.#secrets = new NamedSecrets(this.#transport);
    if (checked.stream) {
      this.#stream = new EventStream({
        ...checked,
        random: Math.random,
        fetch: checked.streamFetch,
        onEvent: (event) => {
          this.#reader.heed(event);
          this.#webhooks.heed(event);
        },
        onLoss: () => this.#reader.expectLowerVersions(),
        onError: (error) => observer.error('stream', error),
        onStart: () => observer.streaming(),
      });
    }
    this.#maxEntries = checked.maxEntries;
    this.#reader = new CredentialReader({
      transport: this.#transport,
      clock: checked.clock,
      random: Math.random,
      maxEntries: checked.maxEntries,
      maxAgeSeconds: checked.maxAgeSeconds,
      word: this.#stream,
      observer,
      observesHits: checked.hooks?.hit !== undefined,
      uses,
      refreshFor: (id, seconds) => this.#connections.refreshFor(id, seconds),
      onAnswer: () => this.#stream?.open(),
    });
    this.#fetch = new AuthorizedFetch({
      reader: this.#reader,
      report: (id, report) => this.#connections.report(id, report, {}),
      clock: checked.clock,
      providerFetch: checked.providerFetch,
    });
    this.#clock = checked.clock;
    this.#webhooks = new ProviderWebhooks({
      ...{ transport: this.#transport, connections: this.#connections, secrets: this.#secrets },
      readCredential: (ref) => this.#reader.read(ref),
      ...{ clock: checked.clock, maxEntries: checked.maxEntries, maxAgeSeconds: checked.maxAgeSeconds },
    });
  }

  /**
   * A credential that is valid now, from the cache where it can be. The object is frozen and shared by all readers.
   * Times in it are RFC 3339 strings, as the server gave them.
   *
   * With `minValidity` it is valid for at least so many seconds, up to 86,400; where the server's is not, the provider is
   * asked for a new one, which needs a key with `connections:write`. More than the provider's tokens live for is
   * `invalid_request` with the most that can be asked for, and asks the provider at most once.
   * @throws AuthpipeError `needs_reconnect`, `connection_not_found`, `connection_ambiguous`, `server_unreachable`, …
   */
  getCredential(ref: CredentialRef, options?: ReadOptions): Promise<Credential> {
    return this.#reader.read(ref, options);
  }

  /**
   * Calls the provider's API with the credential of a connection: `fetch`, with the right headers added (a DPoP proof
   * too) and a path put below the connection's `baseUrl`. The credential goes to that origin only: redirects are followed
   * there, at most 5, and any other 3xx answer is handed back as it is.
   *
   * On 401 the refusal is reported, a fresh credential is fetched and, if it is a newer one and the body can be sent
   * again (not a stream), the call is repeated once. An API that can't be reached rejects as `fetch` does.
   * @throws AuthpipeError `invalid_request` for another origin, before anything is sent; `insufficient_scope` with
   *   `missingScopes` for a 403 that says so (RFC 6750 section 3.1); and what `getCredential` throws
   */
  fetch(ref: CredentialRef, input: FetchInput, init?: RequestInit): Promise<Response> {
    return this.#fetch.send(ref, input, init);
  }

  /**
   * `fetch` for one connection, as a function of the standard's signature: for SDKs that take one.
   * @throws AuthpipeError `invalid_request` at once for a ref that is not valid
   */
  fetchFor(ref: CredentialRef): typeof fetch {
    return this.#fetch.bind(ref);
  }

  /**
   * The cached credential, for hot paths that can't wait; `undefined` where the server has to be asked first. Never an
   * expired one, and never I/O before it returns: `authpipe.getCredentialSync(ref) ?? (await authpipe.getCredential(ref))`.
   * One that should be renewed is returned while a request in the background fetches the next.
   * @throws AuthpipeError `invalid_request` for a ref that is not valid, such as one whose `userId` is undefined
   */
  getCredentialSync(ref: CredentialRef): Credential | undefined {
    return this.#reader.peek(ref);
  }

  /**
   * Loads a tenant's credentials into the cache, up to `maxEntries`, so that the first read of each is warm. Connections
   * without one to use are listed in `failed`. Needs a key with `connections:read`.
   * @throws AuthpipeError where the tenant's connections can't be listed
   */
  preload(scope: PreloadScope, options: CallOptions = {}): Promise<PreloadResult> {
    return preload(scope, options, {
      list: (filter, listing) => this.#connections.list(filter, listing),
      load: (ref) => this.#reader.load(ref),
      point: (path, id) => this.#reader.point(path, id),
      maxEntries: this.#maxEntries,
    });
  }

  /** What keeps the cache fresh at this moment. */
  get freshness(): Freshness {
    return this.#stream?.isLive === true ? 'stream' : 'max_age';
  }

  /** Leave for one person to connect one account: hand `token` to your page, or send `url` to the person. */
  createConnectSession(
    request: ConnectSessionRequest,
    options: CreateOptions = {},
  ): Promise<CreatedConnectSession> {
    return this.#sessions.create(request, options);
  }

  /** How a connect session stands: the only word on its outcome that a backend should trust. */
  getConnectSession(id: string, options: CallOptions = {}): Promise<ConnectSessionState> {
    return this.#sessions.get(id, options);
  }

  /** Makes the connection active, for a session with a `codeChallenge`. @see RFC 7636 section 4.1 for the verifier */
  finishConnectSession(
    id: string,
    codeVerifier: string,
    options: CallOptions = {},
  ): Promise<ConnectSessionState> {
    return this.#sessions.finish(id, codeVerifier, options);
  }

  /** Connections, newest first, page after page as they are read: `for await (const connection of …)`. */
  listConnections(
    filter: ConnectionFilter = {},
    options: CallOptions = {},
  ): AsyncGenerator<Connection, void, undefined> {
    return this.#connections.list(filter, options);
  }

  /** One connection, without its secrets. @throws AuthpipeError `connection_not_found` */
  async getConnection(id: string, options: CallOptions = {}): Promise<Connection> {
    return this.#observed(await this.#connections.get(id, options));
  }

  /** Replaces the metadata of a connection. */
  async updateConnection(
    id: string,
    changes: { metadata: Metadata },
    options: CallOptions = {},
  ): Promise<Connection> {
    return this.#observed(await this.#connections.update(id, changes, options));
  }

  /** Brings in a credential from elsewhere; the same integration, tenant, owner and label again replaces it. */
  async importConnection(request: ImportConnectionRequest, options: CreateOptions = {}): Promise<Connection> {
    const connection = await this.#connections.import(request, options);
    this.#reader.forget(connection.id);
    this.#webhooks.forget(connection.id);
    return connection;
  }

  /** Has the provider give a new credential now. The next read gets it. */
  refreshConnection(id: string, options: CallOptions = {}): Promise<Connection> {
    return this.#replacing(id, this.#connections.act(id, 'refresh', options));
  }

  /** Has the server try the credential at the provider now, and answers what it found. */
  async checkConnection(id: string, options: CallOptions = {}): Promise<Connection> {
    return this.#observed(await this.#ending(id, this.#connections.act(id, 'check', options)));
  }

  /** Tells that the provider's API answered 401 or 403: the server checks, and the next read asks it. */
  reportConnection(id: string, report: ConnectionReport, options: CallOptions = {}): Promise<Connection> {
    return this.#replacing(id, this.#connections.report(id, report, options));
  }

  /** Revokes the grant at the provider, then erases the connection. Its credential is forgotten here first. */
  async deleteConnection(id: string, options: CallOptions = {}): Promise<DeletedConnection> {
    this.#reader.forget(id);
    try {
      return await this.#connections.delete(id, options);
    } finally {
      // Again: a read during the call may have put it back.
      this.#reader.forget(id);
      this.#webhooks.forget(id);
    }
  }

  /** Revokes and erases everything of a tenant. Needs an `admin` key. Empties this client's cache. */
  async deleteTenant(tenantId: string, options: CallOptions = {}): Promise<DeletedTenant> {
    this.#reader.forgetAll();
    try {
      return await this.#connections.deleteTenant(tenantId, options);
    } finally {
      this.#reader.forgetAll();
      this.#webhooks.forgetAll();
    }
  }

  /** Sets up an integration: a provider with your OAuth client. With `tenantId`, a tenant's own. */
  putIntegration(
    id: string,
    request: IntegrationRequest,
    options: IntegrationOptions = {},
  ): Promise<Integration> {
    return this.#integrations.put(id, request, options);
  }

  /** An integration, without its client secret. @throws AuthpipeError `not_found` */
  getIntegration(id: string, options: IntegrationOptions = {}): Promise<Integration> {
    return this.#integrations.get(id, options);
  }

  /** The product's integrations, or with `tenantId` the tenant's own. */
  listIntegrations(options: IntegrationOptions = {}): Promise<Integration[]> {
    return this.#integrations.list(options);
  }

  /** Removes an integration that no connection uses. @throws AuthpipeError `conflict` when one does */
  deleteIntegration(id: string, options: IntegrationOptions = {}): Promise<void> {
    return this.#integrations.delete(id, options);
  }

  /** Keeps a named secret with a connection, such as a provider's webhook secret. */
  async putSecret(
    connectionId: string,
    name: string,
    value: string,
    options: CallOptions = {},
  ): Promise<NamedSecretInfo> {
    const info = await this.#secrets.put(connectionId, name, value, options);
    this.#webhooks.forget(connectionId);
    return info;
  }

  /** A named secret with its value; read from the server each time. @throws AuthpipeError `not_found` */
  getSecret(connectionId: string, name: string, options: CallOptions = {}): Promise<NamedSecret> {
    return this.#secrets.get(connectionId, name, options);
  }

  /** Forgets a named secret. */
  async deleteSecret(connectionId: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#secrets.delete(connectionId, name, options);
    this.#webhooks.forget(connectionId);
  }

  /** Checks a webhook of your Authpipe server: the function `verifyWebhook`, by this client's clock. Throws at once. */
  verifyWebhook(input: VerifyWebhookInput): AuthpipeEvent {
    return verifyWebhook({ clock: this.#clock, ...input });
  }

  /**
   * Checks a provider's webhook by the provider's own scheme, with the webhook secret that is stored at a connection:
   * its credential, of kind `webhook_secret`, or with `secretName` a named secret. The secret is kept for
   * `maxAgeSeconds`, and read again, at most every 5 seconds, when a signature does not fit.
   *
   * Needs `credentials:read`, and a ref without `provider` also `connections:read`. A provider whose signature holds no
   * time can't be told from somebody who sends its webhook again: keep the ids of those you handled.
   * @returns the body's JSON, or the body as it was given where it is not JSON
   * @throws AuthpipeError `webhook_invalid` with the check that failed as its `reason`; `invalid_request` for a body
   *   that was parsed, or a provider whose webhooks can't be checked; what reading the secret throws
   */
  verifyProviderWebhook(
    ref: CredentialRef,
    input: ProviderWebhookInput,
    options: CallOptions = {},
  ): Promise<unknown> {
    return this.#webhooks.verify(ref, input, options);
  }

  /** Ends running requests and the event stream, and empties the cache; later calls reject. A script ends without it. */
  close(): void {
    this.#transport.close();
    this.#stream?.close();
    this.#telemetry.close();
    this.#reader.forgetAll('closed');
    this.#webhooks.forgetAll();
  }

  /** For `using`: the same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** For `await using`: the same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** What `JSON.stringify` shows: never the key, never a credential. */
  toJSON(): {
    baseUrl: string;
    environment: string;
    cachedCredentials: number;
    freshness: Freshness;
    /** Why there is no stream, where there should be one. */
    streamError?: string;
  } {
    const streamError = this.#stream?.lastError?.message;
    return {
      baseUrl: this.baseUrl,
      environment: this.environment,
      cachedCredentials: this.#reader.size,
      freshness: this.freshness,
      ...(streamError === undefined ? {} : { streamError }),
    };
  }

  /** What `console.log` shows: the same as `toJSON`. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    return `Authpipe ${inspect(this.toJSON(), options)}`;
  }

  /** After the call the next read asks the server, unless the call failed and says nothing about the credential. */
  async #replacing(id: string, call: Promise<Connection>): Promise<Connection> {
    const connection = await this.#ending(id, call);
    this.#reader.forget(id);
    return connection;
  }

  /** Forgets a credential that a failed call says is dead. */
  async #ending<T>(id: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (endsCredential(error)) this.#reader.forget(id);
      throw error;
    }
  }

  #observed(connection: Connection): Connection {
    this.#reader.observe(connection);
    return connection;
  }
}
