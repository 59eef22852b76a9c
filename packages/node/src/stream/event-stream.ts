import type { AuthpipeEvent } from '@authpipe/types';
import { AuthpipeError } from '../errors.js';
import { notAuthpipe, unreachable } from '../http-transport.js';
import type { RetryTools } from '../retry.js';
import type { StreamWord } from '../trust.js';
import { openEventStream } from './open-event-stream.js';
import { createStreamParser, type StreamHandlers } from './stream-parser.js';

/** What the stream needs. */
export interface EventStreamSettings extends RetryTools {
  readonly apiKey: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** How long the server may take to begin. */
  readonly timeoutMillis: number;
  /** Used instead of sockets of our own. */
  readonly fetch?: typeof fetch | undefined;
  readonly onEvent: (event: AuthpipeEvent) => void;
  /** The server can't go on where the last connection broke off: events were missed, or its database was restored. */
  readonly onLoss: () => void;
  /** It failed, and is tried again by itself. */
  readonly onError: (error: AuthpipeError) => void;
  /** It runs. */
  readonly onStart?: () => void;
}

/** One lost heartbeat is an accident, three are a dead connection. */
const HEARTBEATS_MISSED = 3;
const FIRST_PAUSE_MILLIS = 1_000;
const LONGEST_PAUSE_MILLIS = 30_000;
/** A key that may not, or a server that has no stream: that changes when somebody changes it. */
const REFUSED_PAUSE_MILLIS = 300_000;

/**
 * The server's event stream: opened once, kept open through whatever ends it, resumed where it broke off. Runs in the
 * background, with one timer, and keeps no process alive.
 */
export class EventStream implements StreamWord {
  readonly #settings: EventStreamSettings;
  readonly #closed = new AbortController();
  #isOpened = false;
  #sinceMillis = Number.POSITIVE_INFINITY;
  #heardAtMillis = Number.NEGATIVE_INFINITY;
  #lastEventId: string | undefined;
  #lastError: AuthpipeError | undefined;
  /** Of the connection there is: when the server began, and how long it may be silent. */
  #readyAtMillis = Number.POSITIVE_INFINITY;
  #patienceMillis = 0;
  /** Resumed, and what was missed has not all come in yet. */
  #isCatchingUp = false;
  #lastSignMillis = 0;
  /** Ends the pause before the next try. */
  #endPause: (() => void) | undefined;
  /** Whether an answer of the server is news: it was in trouble, or has not answered since the stream last ran well. */
  #mayHurry = true;

  constructor(settings: EventStreamSettings) {
    this.#settings = settings;
  }

  get sinceMillis(): number {
    return this.#sinceMillis;
  }

  get heardAtMillis(): number {
    return this.#heardAtMillis;
  }

  /** Whether it is open and has been heard lately. */
  get isLive(): boolean {
    if (!this.#isReady || this.#closed.signal.aborted) return false;
    return this.#settings.clock.now() < this.#lastSignMillis + this.#patienceMillis;
  }

  /** Why it is not open, where that has a reason. */
  get lastError(): AuthpipeError | undefined {
    return this.#isReady ? undefined : this.#lastError;
  }

  get #isReady(): boolean {
    return this.#readyAtMillis < Number.POSITIVE_INFINITY;
  }

  /** Begins, if it has not begun. Returns at once and never fails. */
  open(): void {
    if (this.#isOpened || this.#closed.signal.aborted) return;
    this.#isOpened = true;
    this.#run().catch(() => undefined);
  }

  /** Ends it for good. */
  close(): void {
    this.#closed.abort();
  }

  /** The server does not answer other calls either: when it does again, the stream need not wait. */
  noteTrouble(): void {
    this.#mayHurry = true;
  }

  /**
   * The server has answered another call. A pause that was made for its sake ends within a second: once for each time that it
   * was in trouble, so that a stream that alone is broken is not opened again with each call.
   */
  hurry(): void {
    if (this.#endPause === undefined || !this.#mayHurry) return;
    this.#mayHurry = false;
    this.#lastError = undefined;
    this.#endPause();
  }

  async #run(): Promise<void> {
    const { clock, onError } = this.#settings;
    for (let failures = 0; ; ) {
      const error = await this.#connect();
      const wasSteady = clock.now() - this.#readyAtMillis >= LONGEST_PAUSE_MILLIS;
      this.#readyAtMillis = Number.POSITIVE_INFINITY;
      if (this.#closed.signal.aborted) return;
      this.#lastError = error;
      if (error !== undefined) onError(error);
      failures = wasSteady ? 0 : failures + 1;
      if (wasSteady) this.#mayHurry = true;
      await this.#pause(this.#pauseBefore(failures, error), error);
    }
  }

  /** Waits before the next try: to its end, or until the server answers another call, and then a moment left to chance. */
  async #pause(millis: number, error: AuthpipeError | undefined): Promise<void> {
    const { clock, random } = this.#settings;
    const pause = new AbortController();
    const stop = () => pause.abort();
    this.#closed.signal.addEventListener('abort', stop, { once: true });
    if (isAboutReaching(error)) this.#endPause = stop;
    try {
      await clock.sleep(millis, pause.signal, { background: true });
    } catch {
      this.#closed.signal.throwIfAborted();
      await clock.sleep(random() * FIRST_PAUSE_MILLIS, this.#closed.signal, { background: true });
    } finally {
      this.#endPause = undefined;
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  /** Up to the full backoff, left to chance: when a server restarts, all its clients come at once. */
  #pauseBefore(failures: number, error: AuthpipeError | undefined): number {
    const chance = this.#settings.random();
    if (error !== undefined && !error.retryable) return REFUSED_PAUSE_MILLIS * (0.9 + 0.2 * chance);
    const backoffMillis = Math.min(FIRST_PAUSE_MILLIS * 2 ** failures, LONGEST_PAUSE_MILLIS);
    const askedMillis = Math.min((error?.retryAfterSeconds ?? 0) * 1_000, REFUSED_PAUSE_MILLIS);
    return Math.max(chance * backoffMillis, askedMillis);
  }

  /** Opens one connection and reads it to its end. @returns why it ended; `undefined` where the server ended it */
  async #connect(): Promise<AuthpipeError | undefined> {
    const { apiKey, baseUrl, clock, timeoutMillis, fetch } = this.#settings;
    const connection = new AbortController();
    const stop = () => connection.abort();
    this.#closed.signal.addEventListener('abort', stop, { once: true });
    this.#lastSignMillis = clock.now();
    this.#patienceMillis = timeoutMillis;
    const { origin } = new URL(baseUrl);
    const silence = this.#watch(connection);
    try {
      const chunks = await openEventStream({
        url: `${baseUrl}/v1/events`,
        headers: {
          accept: 'text/event-stream',
          authorization: `Bearer ${apiKey}`,
          'user-agent': 'authpipe-node',
          ...(this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId }),
        },
        signal: connection.signal,
        fetch,
        now: clock.now(),
      });
      await this.#read(chunks, origin);
      return undefined;
    } catch (error) {
      if (error instanceof AuthpipeError) return error;
      const wasSilent = connection.signal.aborted && (await silence);
      return unreachable(
        origin,
        wasSilent ? `the event stream was silent for ${this.#patienceMillis} ms` : error,
      );
    } finally {
      this.#isCatchingUp = false;
      connection.abort();
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  async #read(chunks: AsyncIterable<string>, origin: string): Promise<void> {
    const parse = createStreamParser(this.#handlers());
    for await (const chunk of chunks) {
      try {
        parse(chunk);
      } catch {
        // What it told is lost: the next connection begins anew, and what is held has to be asked for again.
        this.#lastEventId = undefined;
        throw notAuthpipe(origin, 'is an event stream that can not be read');
      }
    }
  }

  #handlers(): StreamHandlers {
    return {
      start: ({ resumed, heartbeatSeconds }, id) => {
        const isResumed = resumed && this.#lastEventId !== undefined;
        this.#readyAtMillis = this.#settings.clock.now();
        this.#isCatchingUp = isResumed;
        this.#lastError = undefined;
        this.#settings.onStart?.();
        this.#patienceMillis = heartbeatSeconds * HEARTBEATS_MISSED * 1_000;
        if (!isResumed) {
          if (this.#lastEventId !== undefined) this.#settings.onLoss();
          this.#lastEventId = id;
          this.#sinceMillis = this.#readyAtMillis;
        }
        this.#hear();
      },
      event: (event, id) => {
        this.#settings.onEvent(event);
        if (id !== undefined) this.#lastEventId = id;
        this.#hear();
      },
      heartbeat: () => {
        this.#isCatchingUp = false;
        this.#hear();
      },
    };
  }

  #hear(): void {
    this.#lastSignMillis = this.#settings.clock.now();
    if (this.#isReady && !this.#isCatchingUp) this.#heardAtMillis = this.#lastSignMillis;
  }

  /** Ends a connection that has gone silent. @returns whether it had */
  async #watch(connection: AbortController): Promise<boolean> {
    const { clock } = this.#settings;
    const { signal } = connection;
    while (!signal.aborted) {
      const leftMillis = this.#lastSignMillis + this.#patienceMillis - clock.now();
      if (leftMillis <= 0) {
        connection.abort();
        return true;
      }
      await clock.sleep(leftMillis, signal, { background: true }).catch(() => undefined);
      // A clock of tests may not wait at all: others must get a turn all the same.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return false;
  }
}

/**
 * Whether the way to the server was the trouble, be it something between that answered in its place; not the server's own
 * refusal, nor the pause that it asked for.
 */
const isAboutReaching = (error: AuthpipeError | undefined): boolean =>
  error === undefined ||
  (error.retryAfterSeconds === undefined && (error.retryable || error.code === 'server_unreachable'));
