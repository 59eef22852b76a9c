import { EventEmitter } from 'node:events';
import { PassThrough, Stream } from 'node:stream';
import { type Clock, systemClock } from './clock.js';
import { AuthpipeError, invalidRequest } from './errors.js';

/** How the executor treats rate limits and time. */
export interface OktaRequestExecutorOptions {
  /** How often a call is repeated after 429; 0 for never. Default: 2, as the SDK's own executor. */
  readonly maxRetries?: number | undefined;
  /** How long a call may take with its repetitions; 0 for any time. Default: 0, as the SDK's own executor. */
  readonly timeoutMillis?: number | undefined;
  /** Used instead of the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A call as the SDK hands it over. */
export interface OktaSdkRequest {
  readonly url?: string;
  readonly method?: string;
  /** Names and values; the SDK's own may be numbers. */
  readonly headers?: object;
  readonly body?: unknown;
  readonly signal?: unknown;
}

/** Okta's windows last a minute; who is told to wait longer than this gets the 429 instead. */
const LONGEST_WAIT_MILLIS = 300_000;
/** The reset is told in whole seconds. */
const ROUNDING_MILLIS = 1_000;

/**
 * What `@okta/okta-sdk-nodejs` takes as `requestExecutor`: its calls go through `authpipe.fetchFor(ref)`, which puts the
 * connection's credential in place of the token that the SDK insists on.
 *
 * Rate limits are treated as by the SDK's own executor: a 429 is repeated when `X-Rate-Limit-Reset` says, with the events
 * `request`, `response`, `backoff` and `resume`. One executor, and one SDK client, per connection: the client caches.
 *
 * @see https://developer.okta.com/docs/reference/rl-best-practices/
 */
export class OktaRequestExecutor extends EventEmitter {
  readonly #fetch: typeof fetch;
  readonly #maxRetries: number;
  readonly #timeoutMillis: number;
  readonly #clock: Clock;

  /**
   * @param fetchForConnection `authpipe.fetchFor(ref)`
   * @throws AuthpipeError `invalid_request` for an option out of range
   */
  constructor(fetchForConnection: typeof fetch, options: OktaRequestExecutorOptions = {}) {
    super();
    if (typeof fetchForConnection !== 'function') {
      throw invalidRequest('Give OktaRequestExecutor the function that authpipe.fetchFor(ref) returns.');
    }
    this.#fetch = fetchForConnection;
    this.#maxRetries = wholeNumber('maxRetries', options.maxRetries ?? 2);
    this.#timeoutMillis = wholeNumber('timeoutMillis', options.timeoutMillis ?? 0);
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Makes one call of the SDK.
   * @returns a `Response` with the `buffer()` that the SDK expects of node-fetch, whose types it may not have
   * @throws AuthpipeError as `Authpipe.fetch`, and `provider_unavailable` when `timeoutMillis` is over
   */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's type is node-fetch's Response, a class of its own.
  async fetch(request: OktaSdkRequest): Promise<any> {
    const done = new AbortController();
    const ended = new AbortController();
    if (this.#timeoutMillis > 0) {
      const inTime = this.#clock.sleep(this.#timeoutMillis, done.signal);
      inTime.then(
        () => ended.abort(outOfTime(this.#timeoutMillis)),
        () => undefined,
      );
    }
    const given = request.signal;
    const abort = () => ended.abort((given as AbortSignal).reason);
    if (given instanceof AbortSignal) {
      if (given.aborted) abort();
      given.addEventListener('abort', abort, { once: true });
    }
    try {
      return await this.#send(request, ended.signal);
    } finally {
      done.abort();
      if (given instanceof AbortSignal) given.removeEventListener('abort', abort);
    }
  }

  async #send(request: OktaSdkRequest, signal: AbortSignal): Promise<Response> {
    const { headers, body, isReplayable } = readBody(request);
    for (let retries = 0; ; retries += 1) {
      this.emit('request', request);
      const response = await this.#fetch(request.url ?? '', {
        method: (request.method ?? 'GET').toUpperCase(),
        headers,
        ...(body === undefined ? {} : { body }),
        signal,
      });
      this.emit('response', response);
      const waitMillis = waitOf(response, this.#clock.now());
      if (waitMillis === undefined || retries >= this.#maxRetries || !isReplayable) {
        return Object.assign(response, { buffer: async () => Buffer.from(await response.arrayBuffer()) });
      }
      const requestId = response.headers.get('x-okta-request-id') ?? '';
      await response.body?.cancel();
      this.emit('backoff', request, response, requestId, waitMillis);
      await this.#clock.sleep(waitMillis, signal);
      if (!headers.has('x-okta-retry-for')) headers.set('x-okta-retry-for', requestId);
      headers.set('x-okta-retry-count', String(retries + 1));
      this.emit('resume', request, requestId);
    }
  }
}

/** How long to wait before a call is repeated; `undefined` where it is not. */
const waitOf = (response: Response, now: number): number | undefined => {
  if (response.status !== 429) return undefined;
  const resetAtSeconds = response.headers.get('x-rate-limit-reset') ?? '';
  // The header twice, joined by a comma, says nothing that could be relied on.
  if (!/^\d{1,12}$/.test(resetAtSeconds)) return undefined;
  // Measured by Okta's own clock: this machine's may be off by more than the wait.
  const date = Date.parse(response.headers.get('date') ?? '');
  const waitMillis = Number(resetAtSeconds) * 1_000 - (Number.isNaN(date) ? now : date) + ROUNDING_MILLIS;
  return waitMillis > LONGEST_WAIT_MILLIS ? undefined : Math.max(waitMillis, ROUNDING_MILLIS);
};

interface ReadBody {
  readonly headers: Headers;
  readonly body: RequestInit['body'];
  readonly isReplayable: boolean;
}

/** The `form-data` package's forms, which the SDK uploads files with: streams of an old kind. */
interface OldForm {
  getHeaders(): Record<string, string>;
  getBuffer(): Buffer;
}

/** Brings a body to what `fetch` takes; the SDK was written for node-fetch. */
const readBody = ({ headers: given = {}, body }: OktaSdkRequest): ReadBody => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null) headers.set(name, String(value));
  }
  if (body === undefined || body === null) return { headers, body: undefined, isReplayable: true };
  if (!(body instanceof Stream)) return { headers, body: body as RequestInit['body'], isReplayable: true };
  if (isOldForm(body)) {
    for (const [name, value] of Object.entries(body.getHeaders())) headers.set(name, value);
    const whole = wholeOf(body);
    if (whole !== undefined) return { headers, body: new Uint8Array(whole), isReplayable: true };
  }
  return { headers, body: body.pipe(new PassThrough()), isReplayable: false };
};

const isOldForm = (body: object): body is OldForm => 'getHeaders' in body && 'getBuffer' in body;

/** The whole form, or `undefined` where a part of it is a stream. */
const wholeOf = (form: OldForm): Buffer | undefined => {
  try {
    return form.getBuffer();
  } catch {
    return undefined;
  }
};

const wholeNumber = (name: string, value: number): number => {
  if (!Number.isInteger(value) || value < 0) {
    throw invalidRequest(`${name} must be a whole number, 0 or more.`, `/${name}`);
  }
  return value;
};

const outOfTime = (timeoutMillis: number): AuthpipeError =>
  new AuthpipeError('provider_unavailable', `The call took longer than timeoutMillis (${timeoutMillis} ms).`);
