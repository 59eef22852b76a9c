import type { DeletedConnection, ListedConnection } from '@authpipe/types';
import { type Browser, realBrowser } from './browser.js';
import { ConnectError, type ConnectErrorCode } from './connect-error.js';
import { fetchSessionToken } from './fetch-session-token.js';
import type { SessionSource } from './session-source.js';
import { noAnswer } from './session-status.js';
import { serverUrlOf } from './session-token.js';

const LIST_TIMEOUT_MILLIS = 10_000;

/** The server waits for a refresh under way, then for the provider. */
const DISCONNECT_TIMEOUT_MILLIS = 60_000;

/**
 * Why connections could not be listed, or one not ended. `forbidden`: the session lacks the permission, or this page's
 * origin. `connection_not_found`: it is gone, or never was this owner's.
 */
export type ConnectionsErrorCode =
  | Extract<
      ConnectErrorCode,
      'unauthorized' | 'session_expired' | 'session_unavailable' | 'server_unreachable'
    >
  | 'forbidden'
  | 'connection_not_found'
  | 'conflict'
  | 'rate_limited';

/** `message` is for developers and says what to do next; show people a sentence of your own by `code`. */
export type ConnectionsError = ConnectError<ConnectionsErrorCode>;

export interface ConnectionsClientOptions {
  /** Its function is asked for `{ permissions: ['list', 'disconnect'] }`, once, and again when that session is over. */
  readonly session: SessionSource;
  /** URL of the Authpipe server; read from the session token when left out. */
  readonly baseUrl?: string | undefined;
}

/** What the server said no with; what it says elsewhere is not believed. */
const REFUSALS: Partial<Record<string, ConnectionsErrorCode>> = {
  unauthorized: 'unauthorized',
  session_expired: 'session_expired',
  forbidden: 'forbidden',
  connection_not_found: 'connection_not_found',
  conflict: 'conflict',
  rate_limited: 'rate_limited',
};

interface Question {
  readonly method: 'GET' | 'DELETE';
  readonly path: string;
  readonly timeoutMillis: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The owner's connections, in the browser, without any framework: lists them and ends one, by a connect session with the
 * permissions `list` and `disconnect`. It never sees a credential.
 */
export class ConnectionsClient {
  #options: ConnectionsClientOptions;
  readonly #browser: Browser | undefined;
  #fetched: Promise<string> | null = null;

  constructor(options: ConnectionsClientOptions, browser?: Browser) {
    this.#options = options;
    this.#browser = browser;
  }

  /** Takes new options; the session that was fetched is kept until it is over. */
  update(options: ConnectionsClientOptions): void {
    this.#options = options;
  }

  /**
   * All that the session's owner has connected, newest first.
   * @throws ConnectError with a `ConnectionsErrorCode`; whatever `signal` was aborted with
   */
  async list(signal?: AbortSignal): Promise<readonly ListedConnection[]> {
    const answer = await this.#ask({
      method: 'GET',
      path: '/connect/connections',
      timeoutMillis: LIST_TIMEOUT_MILLIS,
      signal,
    });
    const { data } = answer as { data?: unknown };
    if (!Array.isArray(data) || !data.every(isListed)) throw notAnAnswer();
    return data;
  }

  /**
   * Ends a connection: revoked at the provider, then erased.
   * @throws ConnectError with a `ConnectionsErrorCode`
   */
  async disconnect(connectionId: string): Promise<DeletedConnection> {
    const answer = await this.#ask({
      method: 'DELETE',
      path: `/connect/connections/${encodeURIComponent(connectionId)}`,
      timeoutMillis: DISCONNECT_TIMEOUT_MILLIS,
    });
    const { id, revokedAtProvider } = answer as Partial<DeletedConnection>;
    if (id !== connectionId || typeof revokedAtProvider !== 'boolean') throw notAnAnswer();
    return { id, revokedAtProvider };
  }

  /** Asks; once more with a new session, where the one that was kept is over. */
  async #ask(question: Question): Promise<object> {
    const kept = this.#fetched;
    const token = this.#token();
    try {
      return await this.#send(await token, question);
    } catch (error) {
      const isOver =
        error instanceof ConnectError && (error.code === 'unauthorized' || error.code === 'session_expired');
      if (!isOver) throw error;
      // Not what somebody else has fetched meanwhile.
      if (this.#fetched === token) this.#fetched = null;
      if (kept !== token) throw error;
      return await this.#send(await this.#token(), question);
    }
  }

  #token(): Promise<string> {
    const { session } = this.#options;
    if (typeof session === 'string') return Promise.resolve(session);
    if (this.#fetched) return this.#fetched;
    const fetched = fetchSessionToken(session, { permissions: ['list', 'disconnect'] }, this.#getBrowser());
    this.#fetched = fetched;
    fetched.catch(() => {
      if (this.#fetched === fetched) this.#fetched = null;
    });
    return fetched;
  }

  async #send(token: string, { method, path, timeoutMillis, signal }: Question): Promise<object> {
    const browser = this.#getBrowser();
    const serverUrl = serverUrlOf(token, this.#options.baseUrl);
    const controller = new AbortController();
    const cancelTimeout = browser.after(timeoutMillis, () => controller.abort());
    const onAbort = (): void => controller.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    try {
      const response = await browser.fetch(`${serverUrl}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}` },
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'error',
        signal: controller.signal,
      });
      const body: unknown = await response.json();
      if (typeof body !== 'object' || body === null) throw notAnAnswer();
      if (response.ok) return body;
      throw refusal(response.status, body);
    } catch (cause) {
      if (cause instanceof ConnectError) throw cause;
      if (signal?.aborted) throw signal.reason;
      throw noAnswer(browser, serverUrl, cause);
    } finally {
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #getBrowser(): Browser {
    return this.#browser ?? realBrowser();
  }
}

const notAnAnswer = (): ConnectionsError =>
  new ConnectError(
    'server_unreachable',
    'What answered is no Authpipe server: is baseUrl the URL of yours, and is it up to date?',
  );

function refusal(status: number, problem: object): ConnectionsError {
  const { code, detail } = problem as { code?: unknown; detail?: unknown };
  const known = typeof code === 'string' && Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  return new ConnectError<ConnectionsErrorCode>(
    known ?? 'server_unreachable',
    typeof detail === 'string' ? detail : `The server answered ${status}.`,
  );
}

function isListed(value: unknown): value is ListedConnection {
  if (typeof value !== 'object' || value === null) return false;
  const { id, integration, provider, label, status, missingScopes } = value as Record<string, unknown>;
  return (
    [id, integration, provider, label, status].every((part) => typeof part === 'string') &&
    Array.isArray(missingScopes)
  );
}
