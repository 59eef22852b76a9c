import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Credential } from '@authpipe/types';
import { EventStreamConnection } from './event-stream-connection.js';
import type { Received } from './received.js';

export type { Received } from './received.js';

/** What to answer: status, JSON (or text as it is) and headers; `hang` never answers, `cut` drops the connection. */
export type Answer =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Record<string, string>;
    }
  | 'hang'
  | 'cut';

/** A real HTTP server on a free loopback port whose answers the test decides, call by call. */
export class HttpServer {
  readonly requests: Received[] = [];
  /** Decides each answer; may wait. */
  answer: (request: Received) => Answer | Promise<Answer> = () => ({ json: {} });
  /** The same for `GET /v1/events`, which is not among `requests`; as a server without a stream, unless told. */
  answerStream: (request: Received) => Answer | 'stream' = () => problem(404, 'not_found');
  readonly streamRequests: Received[] = [];
  /** The event streams that were opened, the latest last. */
  readonly streams: EventStreamConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts on a free port, or on one that is known to be free. */
  static async start(port = 0): Promise<HttpServer> {
    const server = createServer();
    const started = new HttpServer(server);
    server.on('request', async (incoming, outgoing) => {
      const url = new URL(incoming.url ?? '/', 'http://localhost');
      let text = '';
      for await (const chunk of incoming) text += chunk;
      const request: Received = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      const isStream = url.pathname.endsWith('/v1/events');
      (isStream ? started.streamRequests : started.requests).push(request);
      const answer = isStream ? started.answerStream(request) : await started.answer(request);
      if (answer === 'stream') {
        started.streams.push(new EventStreamConnection(request, outgoing));
        return;
      }
      if (answer === 'hang') return;
      if (answer === 'cut') {
        incoming.socket.destroy();
        return;
      }
      const type = (answer.status ?? 200) < 400 ? 'application/json' : 'application/problem+json';
      outgoing.writeHead(answer.status ?? 200, { 'content-type': type, ...answer.headers });
      outgoing.end(answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json)));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits for the event stream that is opened as the `count`th. */
  async streamOpened(count = 1): Promise<EventStreamConnection> {
    while (this.streams.length < count) await new Promise(setImmediate);
    return this.streams[count - 1] as EventStreamConnection;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const API_KEY = `ap_test_${'k'.repeat(43)}`;

/** An answer of `GET /v1/credentials`; unless told it lives an hour from `START`, to be refreshed five minutes before. */
export const credential = (more: Partial<Credential> = {}): Credential => ({
  credential: 'token-1',
  kind: 'oauth2',
  tokenType: 'Bearer',
  headers: { authorization: `Bearer ${more.credential ?? 'token-1'}` },
  expiresAt: '2026-01-01T01:00:00.000Z',
  refreshAfter: '2026-01-01T00:55:00.000Z',
  scopes: ['okta.users.read'],
  connectionId: 'conn_1',
  version: 1,
  status: 'healthy',
  reason: null,
  account: { id: '00u1', email: 'ada@example.com' },
  baseUrl: 'https://acme.okta.com',
  ...more,
});

/** An answer of `POST /v1/credentials/batch`, each part as `answer` gives it for one ref. */
export const batchOf = (
  { body }: Received,
  answer: (ref: Readonly<Record<string, string>>) => Answer,
): Answer => {
  const refs = (body as { credentials: Record<string, string>[] }).credentials;
  return {
    json: {
      credentials: refs.map((ref) => {
        const { json, status = 200 } = answer(ref) as { json?: unknown; status?: number };
        return status < 400 ? { credential: json } : { error: json };
      }),
    },
  };
};

/** An error answer as the server gives it. */
export const problem = (status: number, code: string, more: Record<string, unknown> = {}): Answer => ({
  status,
  json: {
    type: `https://auth.example.com/docs/errors/${code}`,
    title: 'A problem',
    status,
    detail: `This is ${code}.`,
    code,
    requestId: 'req_1',
    ...more,
  },
});
