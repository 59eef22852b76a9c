import { callSite, showCaller } from './caller-stack.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { AuthpipeError, invalidRequest } from './errors.js';
import { LateBatchError } from './late-batch-error.js';
import type { CheckedOptions } from './options.js';
import { readProblem } from './read-problem.js';
import { type RetryTools, withRetries } from './retry.js';
import type { UsageSums } from './usage-sums.js';

/** One call of the server's API. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1`, with its segments encoded: see `pathOf`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Makes a repeated `POST` safe: the server answers the second as it answered the first. */
  readonly idempotencyKey?: string | undefined;
  /** A `POST` that only reads: as safe to repeat as a `GET`. */
  readonly isRead?: boolean;
  /** Several questions in one, any of which may be what takes long: see `LateBatchError`. */
  readonly isBatch?: boolean;
  /** How often a `GET` is tried in all. Default: 3. What may change something is sent once. */
  readonly attempts?: number;
  /** Nobody waits for the answer: its timer must not keep the process alive. */
  readonly background?: boolean;
}

/** An answer's JSON and, where it matters, nothing else: callers check the shape they rely on. */
export type Json = unknown;

const DEFAULT_ATTEMPTS = 3;

/** Of a proxy that got no answer. @see RFC 9110 sections 15.6.3 to 15.6.5 */
const GATEWAY_STATUSES: ReadonlySet<number | undefined> = new Set([502, 503, 504]);

/** Runs one request, and may look at how it goes. */
export type RunRequest = <T>(call: HttpCall, request: () => Promise<T>) => Promise<T>;

/** What a transport also does with its calls. */
export interface TransportOptions {
  /** Told to the server along with calls. */
  readonly uses?: UsageSums | undefined;
  /** Is told of each request whether the server answered it, with an error or without. */
  readonly onOutcome?: (isReached: boolean) => void;
}

/**
 * Sends calls, each with the key, a timeout and, for `GET`, bounded retries; not to a server that has long not answered.
 * Holds the key where nothing prints it.
 */
export class HttpTransport {
  readonly #options: CheckedOptions;
  readonly #tools: RetryTools;
  readonly #origin: string;
  readonly #breaker: CircuitBreaker;
  readonly #runRequest: RunRequest;
  readonly #onOutcome: (isReached: boolean) => void;
  readonly #uses: UsageSums | undefined;
  /** Tells this client from others of the same key, in the server's audit. */
  readonly #instance = `inst_${globalThis.crypto.randomUUID()}`;
  readonly #closed = new AbortController();

  constructor(
    options: CheckedOptions,
    random: () => number = Math.random,
    runRequest: RunRequest = (_call, request) => request(),
    { uses, onOutcome = () => undefined }: TransportOptions = {},
  ) {
    this.#onOutcome = onOutcome;
    this.#uses = uses;
    this.#options = options;
    this.#tools = { clock: options.clock, random };
    this.#origin = new URL(options.baseUrl).origin;
    this.#breaker = new CircuitBreaker(this.#tools, this.#origin);
    this.#runRequest = runRequest;
  }

  /** Whether an answer is unlikely to come: nobody who has something to fall back on should wait for one. */
  get isTroubled(): boolean {
    return this.#breaker.isTroubled;
  }

  /**
   * Sends a call and reads its answer.
   * @returns the JSON of the answer, `undefined` for an empty one
   * @throws AuthpipeError, or the reason of the caller's signal
   */
  async send(call: HttpCall): Promise<Json> {
    const isRepeatable = call.method === 'GET' || call.isRead === true;
    const attempts = isRepeatable ? (call.attempts ?? DEFAULT_ATTEMPTS) : 1;
    const site = callSite();
    try {
      return await withRetries(() => this.#attempt(call), attempts, this.#tools, call.signal);
    } catch (error) {
      showCaller(error, site);
      throw error;
    }
  }

  /** Ends every running request; later ones are refused. */
  close(): void {
    this.#closed.abort();
  }

  async #attempt(call: HttpCall): Promise<Json> {
    call.signal?.throwIfAborted();
    if (this.#closed.signal.aborted) throw closedError();
    try {
      const answer = await this.#breaker.run(() => this.#runRequest(call, () => this.#request(call)));
      this.#onOutcome(true);
      return answer;
    } catch (error) {
      if (error instanceof AuthpipeError) this.#onOutcome(error.code !== 'server_unreachable');
      throw error;
    }
  }

  async #request(call: HttpCall): Promise<Json> {
    // One controller instead of AbortSignal.any: composite signals leaked in Node 20.
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, this.#options.timeoutMillis);
    if (call.background === true) timer.unref();
    call.signal?.addEventListener('abort', abort, { once: true });
    this.#closed.signal.addEventListener('abort', abort, { once: true });
    try {
      return await this.#exchange(call, controller.signal);
    } catch (error) {
      if (error instanceof AuthpipeError) throw error;
      call.signal?.throwIfAborted();
      if (this.#closed.signal.aborted) throw closedError();
      if (!controller.signal.aborted) throw unreachable(this.#origin, error);
      const Late = call.isBatch === true ? LateBatchError : AuthpipeError;
      throw unreachable(this.#origin, `nothing within ${this.#options.timeoutMillis} ms`, Late);
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', abort);
      this.#closed.signal.removeEventListener('abort', abort);
    }
  }

  async #exchange(call: HttpCall, signal: AbortSignal): Promise<Json> {
    const { apiKey, baseUrl, clock, fetch } = this.#options;
    const uses = this.#uses?.take();
    const response = await fetch(`${baseUrl}/v1${call.path}${queryString(call.query)}`, {
      method: call.method,
      headers: {
        accept: 'application/json, application/problem+json',
        authorization: `Bearer ${apiKey}`,
        'user-agent': 'authpipe-node',
        'authpipe-instance': this.#instance,
        ...(uses === undefined ? {} : { 'authpipe-uses': uses.text }),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      // A redirect could carry the key and a credential to a host that nobody named.
      redirect: 'manual',
      signal,
    }).catch((error: unknown) => {
      if (uses !== undefined) this.#uses?.giveBack(uses);
      throw error;
    });
    const body = await response.text();
    if (!response.ok) {
      const { status, headers } = response;
      const error = readProblem({ status, headers, body, origin: this.#origin, now: clock.now() });
      if (uses !== undefined && isUntaken(error)) this.#uses?.giveBack(uses);
      throw error;
    }
    if (body === '') return undefined;
    try {
      return JSON.parse(body);
    } catch {
      // The parser's own error quotes the body, which may hold a secret: it is not kept as the cause.
      throw notAuthpipe(this.#origin, 'is not JSON', response.status);
    }
  }
}

/** No answer came. @param why in words, or what the network threw */
export const unreachable = (origin: string, why: unknown, ErrorClass = AuthpipeError): AuthpipeError => {
  const reason = typeof why === 'string' ? why : networkCode(why);
  return new ErrorClass(
    'server_unreachable',
    `No answer from ${origin} (${reason}): is Authpipe running there, and is baseUrl right?`,
    { cause: new Error(reason) },
  );
};

/** A 2xx answer that Authpipe would not give. */
export const notAuthpipe = (origin: string, what: string, status = 200): AuthpipeError =>
  new AuthpipeError(
    'server_unreachable',
    `The answer from ${origin} ${what}: check that baseUrl is the address of an Authpipe server.`,
    { status, retryable: false },
  );

/**
 * Builds a path from segments that may be any text.
 * @throws AuthpipeError `invalid_request` for an empty one, and for `.` and `..`, which URLs resolve even when encoded
 */
export const pathOf = (...segments: readonly string[]): string =>
  segments
    .map((segment) => {
      if (typeof segment !== 'string' || segment === '' || segment === '.' || segment === '..') {
        throw invalidRequest('An id must be a non-empty string other than "." and "..".');
      }
      return `/${encodeURIComponent(segment)}`;
    })
    .join('');

const queryString = (query: HttpCall['query']): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) params.append(name, value);
  }
  return params.size === 0 ? '' : `?${params}`;
};

/**
 * Whether the server has not read what went along: it takes sums of a key that it knows, and a proxy answers in its name
 * where it could not be asked. Its own 502 and 503 are about a provider.
 */
const isUntaken = ({ status, code }: AuthpipeError): boolean =>
  status === 401 || (GATEWAY_STATUSES.has(status) && code === 'server_unreachable');

const closedError = (): AuthpipeError => invalidRequest('This client is closed: make a new Authpipe.');

/** Only the machine-readable code: a foreign error's text may hold what was sent. */
const networkCode = (error: unknown): string => {
  for (const candidate of [error, (error as { cause?: unknown } | undefined)?.cause]) {
    const code = (candidate as { code?: unknown } | undefined)?.code;
    if (typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code)) return code;
  }
  return 'network error';
};
