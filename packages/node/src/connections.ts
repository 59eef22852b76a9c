import type {
  Connection,
  ConnectionOwner,
  ConnectionReport,
  ConnectionStatus,
  DeletedConnection,
  DeletedTenant,
  ImportConnectionRequest,
  Metadata,
} from '@authpipe/types';
import { AuthpipeError } from './errors.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** What any call may be given. */
export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that makes something may be given. */
export interface CreateOptions extends CallOptions {
  /** The same key again within a day gets the first answer instead of doing the work twice. */
  readonly idempotencyKey?: string | undefined;
}

/** Which connections to list: all conditions must hold. */
export interface ConnectionFilter {
  readonly tenantId?: string | undefined;
  readonly userId?: string | undefined;
  readonly owner?: ConnectionOwner | undefined;
  readonly integration?: string | undefined;
  readonly provider?: string | undefined;
  readonly status?: ConnectionStatus | undefined;
  /** Pairs that the connection's metadata must hold. */
  readonly metadata?: Metadata | undefined;
  /** How many are fetched at a time, 1 to 100. Default: the server's, 50. */
  readonly pageSize?: number | undefined;
}

/** The server's calls about connections, one to one; the client adds what the cache has to know. */
export class Connections {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async *list(
    filter: ConnectionFilter,
    { signal }: CallOptions,
  ): AsyncGenerator<Connection, void, undefined> {
    const { metadata = {}, pageSize, ...named } = filter;
    const pairs = Object.entries(metadata).map(([key, value]) => [`metadata.${key}`, value]);
    const query = { ...named, limit: pageSize?.toString(), ...Object.fromEntries(pairs) };
    let cursor: string | undefined;
    do {
      const page = (await this.#transport.send({
        method: 'GET',
        path: '/connections',
        query: { ...query, cursor },
        signal,
      })) as { data: Connection[]; nextCursor: string | null };
      yield* page.data;
      if (page.nextCursor !== null && page.nextCursor === cursor) {
        throw new AuthpipeError(
          'internal_error',
          'The server answered with the same page twice: stopped listing.',
        );
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  async get(id: string, { signal }: CallOptions): Promise<Connection> {
    return (await this.#transport.send({
      method: 'GET',
      path: pathOf('connections', id),
      signal,
    })) as Connection;
  }

  async update(id: string, changes: { metadata: Metadata }, { signal }: CallOptions): Promise<Connection> {
    const path = pathOf('connections', id);
    return (await this.#transport.send({ method: 'PATCH', path, body: changes, signal })) as Connection;
  }

  async import(body: ImportConnectionRequest, options: CreateOptions): Promise<Connection> {
    return (await this.#transport.send({
      method: 'POST',
      path: '/connections',
      body,
      ...options,
    })) as Connection;
  }

  async act(id: string, action: 'refresh' | 'check', { signal }: CallOptions): Promise<Connection> {
    const path = pathOf('connections', id, action);
    return (await this.#transport.send({ method: 'POST', path, signal })) as Connection;
  }

  async report(id: string, body: ConnectionReport, { signal }: CallOptions): Promise<Connection> {
    const path = pathOf('connections', id, 'report');
    return (await this.#transport.send({ method: 'POST', path, body, signal })) as Connection;
  }

  async delete(id: string, { signal }: CallOptions): Promise<DeletedConnection> {
    const path = pathOf('connections', id);
    return (await this.#transport.send({ method: 'DELETE', path, signal })) as DeletedConnection;
  }

  async deleteTenant(tenantId: string, { signal }: CallOptions): Promise<DeletedTenant> {
    const path = pathOf('tenants', tenantId);
    return (await this.#transport.send({ method: 'DELETE', path, signal })) as DeletedTenant;
  }
}
