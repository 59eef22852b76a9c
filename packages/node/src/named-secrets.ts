import type { NamedSecret, NamedSecretInfo } from '@authpipe/types';
import type { CallOptions } from './connections.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** The server's calls about a connection's named secrets, one to one. Never cached. */
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

  async get(connectionId: string, name: string, { signal }: CallOptions): Promise<NamedSecret> {
    return (await this.#transport.send({
      method: 'GET',
      path: place(connectionId, name),
      signal,
    })) as NamedSecret;
  }

  async delete(connectionId: string, name: string, { signal }: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: place(connectionId, name), signal });
  }
}

const place = (connectionId: string, name: string): string =>
  pathOf('connections', connectionId, 'secrets', name);
