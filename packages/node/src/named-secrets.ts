import type { NamedSecret, NamedSecretInfo } from '@authpipe/types';
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
    { signal }: CallOptions,
  ): Promise<NamedSecretInfo> {
    const call = { method: 'PUT', path: place(connectionId, name), body: { value }, signal } as const;
    return (await this.#transport.send(call)) as NamedSecretInfo;
  }

  async get(connectionId: string, name: string, options: ReadOptions): Promise<NamedSecret> {
    return (await this.#transport.send({
      method: 'GET',
      path: place(connectionId, name),
      ...options,
    })) as NamedSecret;
  }

  async delete(connectionId: string, name: string, { signal }: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: place(connectionId, name), signal });
  }
}

const place = (connectionId: string, name: string): string =>
  pathOf('connections', connectionId, 'secrets', name);
