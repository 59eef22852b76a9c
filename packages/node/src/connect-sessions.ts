import type { ConnectSessionRequest, ConnectSessionState, CreatedConnectSession } from '@authpipe/types';
import { checkedId, checkedObject, checkedOptions, checkedSignal } from './call-arguments.js';
import { type CallOptions, CREATE_KEYS, type CreateOptions } from './connections.js';
import { checkOwner } from './credential-ref.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** The server's calls about connect sessions, one to one. */
export class ConnectSessions {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async create(request: ConnectSessionRequest, options: CreateOptions): Promise<CreatedConnectSession> {
    const body = checkedRequest(request);
    const made = checkedOptions(options, CREATE_KEYS);
    const call = { method: 'POST', path: '/connect-sessions', body, ...made } as const;
    return (await this.#transport.send(call)) as CreatedConnectSession;
  }

  async get(id: string, options: CallOptions): Promise<ConnectSessionState> {
    const path = pathOf('connect-sessions', checkedId('id', id));
    return (await this.#transport.send({
      method: 'GET',
      path,
      ...checkedSignal(options),
    })) as ConnectSessionState;
  }

  async finish(id: string, codeVerifier: string, options: CallOptions): Promise<ConnectSessionState> {
    const path = pathOf('connect-sessions', checkedId('id', id), 'finish');
    const body = { codeVerifier: checkedId('codeVerifier', codeVerifier) };
    const call = { method: 'POST', path, body, ...checkedSignal(options) } as const;
    return (await this.#transport.send(call)) as ConnectSessionState;
  }
}

/** Checks whose the session is; the rest is for the server, which may know newer fields. */
const checkedRequest = (request: ConnectSessionRequest): ConnectSessionRequest => {
  checkOwner(checkedObject('request', request, '{ tenantId, userId }'));
  return request;
};
