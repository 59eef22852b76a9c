import { connectionRoutes } from './connection-routes.js';
import { EventLog } from './event-log.js';
import { eventLoopTurn } from './event-loop-turn.js';
import { MemoryConnections } from './memory-connections.js';
import { MemorySessions } from './memory-sessions.js';
import { problemAnswer } from './problem-answer.js';
import { answerBy, type MemoryRequest, type Route } from './route-table.js';

/** What the client asked of the server, without what is secret. */
export interface TestRequest {
  readonly method: string;
  /** From `/v1` on, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Of a batch: the refs, in their order. */
  readonly refs?: readonly unknown[];
}

/** What the catalogue says of a provider: see `GET /v1/providers/{id}` of a real server. */
export type TestProviders = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** After so many turns without anything to do, nothing is under way: an answer is read within one. */
const QUIET_TURNS = 4;

/** An Authpipe server without a network: a `fetch` that answers as the server does. */
export class MemoryServer {
  readonly events: EventLog;
  readonly connections: MemoryConnections;
  readonly sessions: MemorySessions;
  readonly #requests: TestRequest[] = [];
  readonly #routes: readonly Route[];
  #isDown = false;
  #arrived = 0;

  constructor(now: () => number, providers: TestProviders = {}) {
    this.events = new EventLog(now);
    this.connections = new MemoryConnections(now, this.events);
    this.sessions = new MemorySessions(this.connections, now);
    this.#routes = [
      ...connectionRoutes({ connections: this.connections, now }),
      ...this.sessions.routes,
      ['GET /providers/:id', (_request, id = '') => ({ id, name: id, ...knownOf(providers, id) })],
    ];
  }

  /** Used in place of the global `fetch`. */
  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    init.signal?.throwIfAborted();
    this.#arrived += 1;
    if (this.#isDown) throw unreachable();
    const url = new URL(typeof input === 'string' ? input : 'href' in input ? input.href : input.url);
    if (url.pathname === '/v1/events') return this.#openStream(init);
    const request: MemoryRequest = {
      method: init.method ?? 'GET',
      segments: url.pathname.split('/').slice(2).map(decodeURIComponent),
      query: Object.fromEntries(url.searchParams),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    };
    this.#note(request, url.pathname);
    try {
      const answer = answerBy(this.#routes, request);
      return new Response(answer === undefined ? '' : JSON.stringify(answer), {
        headers: { 'content-type': 'application/json' },
      });
    } catch (error) {
      return problemAnswer(error);
    }
  };

  /** Everything that was asked, in order; the event stream is not among it. */
  get requests(): readonly TestRequest[] {
    return [...this.#requests];
  }

  /** Takes the server away from its clients, or gives it back. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown;
    if (isDown) this.events.cut(unreachable());
  }

  /** Resolves when the clients have heeded every event and read every answer, and ask for nothing more. */
  async settled(): Promise<void> {
    let seen = this.#arrived;
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      await eventLoopTurn();
      quiet = this.#arrived === seen && this.events.isHeeded ? quiet + 1 : 0;
      seen = this.#arrived;
    }
  }

  #openStream({ headers, signal }: RequestInit): Response {
    const lastEventId = new Headers(headers).get('last-event-id');
    return new Response(this.events.open(lastEventId, signal ?? undefined), {
      headers: { 'content-type': 'text/event-stream' },
    });
  }

  #note({ method, query, body }: MemoryRequest, path: string): void {
    const refs: unknown =
      typeof body === 'object' && body !== null ? Reflect.get(body, 'credentials') : undefined;
    this.#requests.push({ method, path, query, ...(Array.isArray(refs) ? { refs } : {}) });
  }
}

const knownOf = (providers: TestProviders, id: string) => (Object.hasOwn(providers, id) ? providers[id] : {});

/** What `fetch` throws where nobody listens. */
const unreachable = (): TypeError =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('The test took the server away.'), { code: 'ECONNREFUSED' }),
  });
