import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListedConnection } from '@authpipe/types';

/** A connection as the server lists it. */
export const listed = (id: string, more: Partial<ListedConnection> = {}): ListedConnection => ({
  id,
  integration: 'okta',
  provider: 'okta',
  label: 'default',
  status: 'healthy',
  reason: null,
  account: { id: '00u1', name: 'Ada Lovelace', email: 'ada@acme.test' },
  scopes: ['openid'],
  missingScopes: [],
  ...more,
});

/** A small Authpipe on loopback: the browser's routes for one owner's connections, as `/connect/connections` answers. */
export class ConnectionsServer {
  connections: ListedConnection[] = [];
  /** `METHOD path` of each request that was not refused for its token. */
  readonly requests: string[] = [];
  /** What the session function was asked for. */
  readonly sessionRequests: unknown[] = [];
  /** Answers instead of the routes, while set. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  readonly #live = new Set<string>();
  #made = 0;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The app's session function: a new session each time. */
  readonly session = async (request?: unknown): Promise<string> => {
    this.sessionRequests.push(request);
    this.#made += 1;
    const secret = `secret-${this.#made}`;
    this.#live.add(secret);
    return `aps_${btoa(this.url).replaceAll('=', '')}.${secret}`;
  };

  expireSessions(): void {
    this.#live.clear();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.answer) return this.answer(request, response);
    const secret = request.headers.authorization?.split('.').at(-1) ?? '';
    if (!this.#live.has(secret)) return problem(response, 410, 'session_expired');
    this.requests.push(`${request.method} ${request.url}`);
    const [id] = /[^/]+$/.exec(request.url ?? '') ?? [''];
    const listing = { data: this.connections };
    await this.gate;
    if (request.method === 'GET' && request.url === '/connect/connections')
      return json(response, 200, listing);
    if (!this.connections.some((each) => each.id === id))
      return problem(response, 404, 'connection_not_found');
    this.connections = this.connections.filter((each) => each.id !== id);
    json(response, 200, { id, revokedAtProvider: true });
  }
}

export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

export const problem = (response: ServerResponse, status: number, code: string, detail = `It was ${code}.`) =>
  json(response, status, { code, detail, status });
