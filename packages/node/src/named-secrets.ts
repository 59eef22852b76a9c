import type { NamedSecret, NamedSecretInfo } from '@authpipe/types';
import { checkedId, checkedOptions, checkedSignal } from './call-arguments.js';
import type { CallOptions } from './connections.js';
import { type HttpCall, type HttpTransport, pathOf } from './http-transport.js';

/** How a secret is read, beside what any call may be given. */
type ReadOptions = CallOptions & Pick<HttpCall, 'attempts' | 'background'>;

/** The server's calls about a connection's named secrets, one to one. Nothing is kept here. */
export class NamedSecrets {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async put(
    connectionId: string,
    name: string,
    value: string,
    options: CallOptions,
  ): Promise<NamedSecretInfo> {
    const path = place(connectionId, name);
    const body = { value: checkedId('value', value) };
    const call = { method: 'PUT', path, body, ...checkedSignal(options) } as const;
    return (await this.#transport.send(call)) as NamedSecretInfo;
  }

  async get(connectionId: string, name: string, options: ReadOptions): Promise<NamedSecret> {
    return (await this.#transport.send({
      method: 'GET',
      path: place(connectionId, name),
      ...checkedOptions(options, ['signal', 'attempts', 'background']),
    })) as NamedSecret;
  }

  async delete(connectionId: string, name: string, options: CallOptions): Promise<void> {
    const { signal } = checkedSignal(options);
    await this.#transport.send({ method: 'DELETE', path: place(connectionId, name), signal });
  }
}

const place = (connectionId: string, name: string): string =>
  pathOf('connections', checkedId('connectionId', connectionId), 'secrets', checkedId('name', name));
