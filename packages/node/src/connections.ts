import type {
  Connection,
  ConnectionOwner,
  ConnectionReport,
  ConnectionStatus,
  DeletedConnection,
  DeletedTenant,
  ImportConnectionRequest,
  Metadata,
  ProviderId,
} from '@authpipe/types';
import { checkedId, checkedObject, checkedOptions, checkedScope, checkedSignal } from './call-arguments.js';
import { checkId, checkOwner } from './credential-ref.js';
import { AuthpipeError, invalidField } from './errors.js';
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

/** Which connections to list: all conditions must hold. A key that is there has a value: without one it would mean all. */
export interface ConnectionFilter {
  readonly tenantId?: string;
  readonly userId?: string;
  readonly owner?: ConnectionOwner;
  readonly integration?: string;
  readonly provider?: ProviderId;
  readonly status?: ConnectionStatus;
  /** Pairs that the connection's metadata must hold. */
  readonly metadata?: Metadata;
  /** How many are fetched at a time, 1 to 100. Default: the server's, 50. */
  readonly pageSize?: number;
}

const FILTER_KEYS = [
  'tenantId',
  'userId',
  'owner',
  'integration',
  'provider',
  'status',
  'metadata',
  'pageSize',
] as const satisfies readonly (keyof ConnectionFilter)[];

/** Options of what makes something. */
export const CREATE_KEYS = ['signal', 'idempotencyKey'] as const satisfies readonly (keyof CreateOptions)[];

/** The server's calls about connections, one to one; the client adds what the cache has to know. */
export class Connections {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async *list(filter: ConnectionFilter, options: CallOptions): AsyncGenerator<Connection, void, undefined> {
    checkFilter(filter);
    const { signal } = checkedSignal(options);
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

  async get(id: string, options: CallOptions): Promise<Connection> {
    const path = pathOf('connections', checkedId('id', id));
    return (await this.#transport.send({ method: 'GET', path, ...checkedSignal(options) })) as Connection;
  }

  async update(id: string, changes: { metadata: Metadata }, options: CallOptions): Promise<Connection> {
    const path = pathOf('connections', checkedId('id', id));
    const body = checkedObject('changes', changes, '{ metadata: { … } }');
    return (await this.#transport.send({
      ...{ method: 'PATCH', path, body },
      ...checkedSignal(options),
    })) as Connection;
  }

  async import(request: ImportConnectionRequest, options: CreateOptions): Promise<Connection> {
    const body = checkedImport(request);
    return (await this.#transport.send({
      ...{ method: 'POST', path: '/connections', body },
      ...checkedOptions(options, CREATE_KEYS),
    })) as Connection;
  }

  async act(id: string, action: 'refresh' | 'check', options: CallOptions): Promise<Connection> {
    const path = pathOf('connections', checkedId('id', id), action);
    return (await this.#transport.send({ method: 'POST', path, ...checkedSignal(options) })) as Connection;
  }

  /** Has the provider give a token that is valid for so long. @throws AuthpipeError at `/minValidity`: it gives none */
  async refreshFor(id: string, minValiditySeconds: number): Promise<void> {
    const path = pathOf('connections', id, 'refresh');
    await this.#transport.send({ method: 'POST', path, body: { minValiditySeconds } });
  }

  async report(id: string, report: ConnectionReport, options: CallOptions): Promise<Connection> {
    const path = pathOf('connections', checkedId('id', id), 'report');
    const body = checkedObject('report', report, '{ status: 401 }');
    return (await this.#transport.send({
      ...{ method: 'POST', path, body },
      ...checkedSignal(options),
    })) as Connection;
  }

  async delete(id: string, options: CallOptions): Promise<DeletedConnection> {
    const path = pathOf('connections', checkedId('id', id));
    return (await this.#transport.send({
      ...{ method: 'DELETE', path },
      ...checkedSignal(options),
    })) as DeletedConnection;
  }

  async deleteTenant(tenantId: string, options: CallOptions): Promise<DeletedTenant> {
    const path = pathOf('tenants', checkedId('tenantId', tenantId));
    return (await this.#transport.send({
      ...{ method: 'DELETE', path },
      ...checkedSignal(options),
    })) as DeletedTenant;
  }
}

const checkFilter = (filter: ConnectionFilter): void => {
  checkedScope('filter', filter, FILTER_KEYS);
  for (const field of ['tenantId', 'userId', 'provider', 'integration'] as const)
    checkId(field, filter[field]);
  const { metadata, pageSize } = filter;
  for (const [key, value] of Object.entries(checkedObject('metadata', metadata ?? {}))) {
    if (typeof value !== 'string')
      throw invalidField(`metadata/${key}`, 'must be a string: leave the key out to list whatever it holds');
  }
  if (pageSize !== undefined && !(Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= 100))
    throw invalidField('pageSize', 'must be a whole number from 1 to 100');
};

/** The forms of a credential by the key that tells them apart. */
const CREDENTIAL_FORMS = {
  accessToken: '{ accessToken, refreshToken?, expiresAt?, scopes? }',
  apiKey: '{ apiKey }',
  username: '{ username, password }',
  webhookSecret: '{ webhookSecret }',
  clientId: '{ clientId, clientSecret, scopes? }',
  grant: "{ grant: 'client_credentials', scopes? }",
};

/** Checks whose and what; the rest is for the server, which may know newer fields. Nothing secret is repeated. */
const checkedImport = (request: ImportConnectionRequest): ImportConnectionRequest => {
  checkedObject('request', request, '{ provider, tenantId, userId, credential }');
  const { credential, ...ref } = request;
  for (const field of ['provider', 'integration', 'label'] as const) checkId(field, ref[field]);
  if (ref.provider === undefined) throw invalidField('provider', 'is missing');
  checkOwner(ref);
  checkedObject('credential', credential, CREDENTIAL_FORMS.accessToken);
  const forms = Object.keys(CREDENTIAL_FORMS).filter((key) => Object.hasOwn(credential, key));
  const [form] = forms;
  if (form === undefined) {
    throw invalidField('credential', `must be one of ${Object.values(CREDENTIAL_FORMS).join(', ')}`);
  }
  if (forms.every((key) => (Reflect.get(credential, key) ?? '') === ''))
    throw invalidField(`credential/${form}`, 'has no value: is the variable set that it comes from?');
  return request;
};
