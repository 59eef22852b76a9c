import type { ConnectSessionRequest, ConnectSessionState, CreatedConnectSession } from '@authpipe/types';
import type { CallOptions, CreateOptions } from './connections.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** The server's calls about connect sessions, one to one. */
export class ConnectSessions {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async create(body: ConnectSessionRequest, options: CreateOptions): Promise<CreatedConnectSession> {
    const call = { method: 'POST', path: '/connect-sessions', body, ...options } as const;
    return (await this.#transport.send(call)) as CreatedConnectSession;
  }

  async get(id: string, { signal }: CallOptions): Promise<ConnectSessionState> {
    const path = pathOf('connect-sessions', id);
    return (await this.#transport.send({ method: 'GET', path, signal })) as ConnectSessionState;
  }

  async finish(id: string, codeVerifier: string, { signal }: CallOptions): Promise<ConnectSessionState> {
    const path = pathOf('connect-sessions', id, 'finish');
    const body = { codeVerifier };
    return (await this.#transport.send({ method: 'POST', path, body, signal })) as ConnectSessionState;
  }
}
