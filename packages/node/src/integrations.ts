import type { Integration, IntegrationRequest } from '@authpipe/types';
import type { CallOptions } from './connections.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** Whose integration is meant. */
export interface IntegrationOptions extends CallOptions {
  /** A tenant's own OAuth app, which wins over the product's. Left out: the product's. */
  readonly tenantId?: string | undefined;
}

/** The server's calls about integrations, one to one. */
export class Integrations {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async put(
    id: string,
    body: IntegrationRequest,
    { tenantId, signal }: IntegrationOptions,
  ): Promise<Integration> {
    const path = `${place(tenantId)}${pathOf(id)}`;
    return (await this.#transport.send({ method: 'PUT', path, body, signal })) as Integration;
  }

  async get(id: string, { tenantId, signal }: IntegrationOptions): Promise<Integration> {
    const path = `${place(tenantId)}${pathOf(id)}`;
    return (await this.#transport.send({ method: 'GET', path, signal })) as Integration;
  }

  async list({ tenantId, signal }: IntegrationOptions): Promise<Integration[]> {
    const answer = await this.#transport.send({ method: 'GET', path: place(tenantId), signal });
    return (answer as { data: Integration[] }).data;
  }

  async delete(id: string, { tenantId, signal }: IntegrationOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: `${place(tenantId)}${pathOf(id)}`, signal });
  }
}

const place = (tenantId: string | undefined): string =>
  tenantId === undefined ? '/integrations' : pathOf('tenants', tenantId, 'integrations');
