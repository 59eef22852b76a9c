import type { Integration, IntegrationRequest } from '@authpipe/types';
import { checkedId, checkedObject, checkedOptions } from './call-arguments.js';
import type { CallOptions } from './connections.js';
import { invalidField } from './errors.js';
import { type HttpTransport, pathOf } from './http-transport.js';

/** Whose integration is meant. */
export interface IntegrationOptions extends CallOptions {
  /** A tenant's own OAuth app, which wins over the product's. Left out: the product's; undefined is refused. */
  readonly tenantId?: string;
}

/** The server's calls about integrations, one to one. */
export class Integrations {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async put(id: string, request: IntegrationRequest, options: IntegrationOptions): Promise<Integration> {
    const path = `${place(options)}${pathOf(checkedId('id', id))}`;
    const body = checkedObject('request', request, '{ provider, clientId, clientSecret }');
    const { signal } = options;
    return (await this.#transport.send({ method: 'PUT', path, body, signal })) as Integration;
  }

  async get(id: string, options: IntegrationOptions): Promise<Integration> {
    const path = `${place(options)}${pathOf(checkedId('id', id))}`;
    return (await this.#transport.send({ method: 'GET', path, signal: options.signal })) as Integration;
  }

  async list(options: IntegrationOptions): Promise<Integration[]> {
    const path = place(options);
    const answer = await this.#transport.send({ method: 'GET', path, signal: options.signal });
    return (answer as { data: Integration[] }).data;
  }

  async delete(id: string, options: IntegrationOptions): Promise<void> {
    const path = `${place(options)}${pathOf(checkedId('id', id))}`;
    await this.#transport.send({ method: 'DELETE', path, signal: options.signal });
  }
}

/** A tenant that is not known must not become the product: what is put there would be every tenant's. */
const place = (options: IntegrationOptions): string => {
  checkedOptions(options, ['tenantId', 'signal']);
  if (!Object.hasOwn(options, 'tenantId')) return '/integrations';
  const { tenantId } = options;
  if (tenantId === undefined || tenantId === null)
    throw invalidField('tenantId', "is undefined: give a tenant, or leave the key out for the product's own");
  return pathOf('tenants', checkedId('tenantId', tenantId), 'integrations');
};
