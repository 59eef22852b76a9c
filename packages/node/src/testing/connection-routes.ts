import {
  type Connection,
  connectionReport,
  credentialRef,
  importConnectionRequest,
  metadata,
  refreshConnectionRequest,
} from '@authpipe/types';
import type { LooseRef, OwnerRef } from '../credential-ref.js';
import { AuthpipeError, invalidRequest } from '../errors.js';
import type { MemoryConnections, StoredConnection } from './memory-connections.js';
import { problemOf } from './problem-answer.js';
import { type Handler, type MemoryRequest, type Route, read } from './route-table.js';
import { fromImport } from './test-credential.js';

/** What the routes work on. */
export interface ConnectionRouteTools {
  readonly connections: MemoryConnections;
  readonly now: () => number;
}

const DEFAULT_PAGE = 50;

/** Credentials, connections and their named secrets. */
export const connectionRoutes = ({ connections, now }: ConnectionRouteTools): Route[] => {
  const credential = (ref: unknown) =>
    connections.credentialOf(connections.find(read(credentialRef, ref) as LooseRef));
  /** Answers a connection as it is after something was done with it. */
  const afterwards =
    (act: (stored: StoredConnection, request: MemoryRequest) => void): Handler =>
    (request, id = '') => {
      const stored = connections.get(id);
      act(stored, request);
      return stored.connection;
    };
  return [
    ['GET /credentials', ({ query }) => credential(query)],
    [
      'POST /credentials/batch',
      ({ body }) => ({ credentials: refsOf(body).map((ref) => outcomeOf(() => credential(ref))) }),
    ],
    ['GET /connections', ({ query }) => pageOf(connections.list(), query)],
    [
      'POST /connections',
      ({ body }) => {
        const { credential: given, config, metadata: pairs, ...ref } = read(importConnectionRequest, body);
        const stored = connections.connect(ref as OwnerRef, {
          ...fromImport(given, now()),
          ...(config === undefined ? {} : { config }),
          ...(pairs === undefined ? {} : { metadata: pairs }),
        });
        return stored.connection;
      },
    ],
    ['GET /connections/:id', afterwards(() => undefined)],
    [
      'PATCH /connections/:id',
      afterwards((stored, { body }) => {
        const pairs = typeof body === 'object' && body !== null ? Reflect.get(body, 'metadata') : undefined;
        connections.update(stored, read(metadata, pairs));
      }),
    ],
    [
      'POST /connections/:id/refresh',
      afterwards((stored, { body }) => {
        const { minValiditySeconds } = read(refreshConnectionRequest, body ?? {});
        if (minValiditySeconds === undefined) connections.refresh(stored);
        else connections.refreshFor(stored, minValiditySeconds);
      }),
    ],
    ['POST /connections/:id/check', afterwards(() => undefined)],
    [
      'POST /connections/:id/report',
      afterwards((stored, { body }) => {
        const { status, version } = read(connectionReport, body);
        if (status === 401) refused(connections, stored, version ?? stored.connection.version);
      }),
    ],
    [
      'DELETE /connections/:id',
      (_request, id = '') => {
        connections.delete(connections.get(id));
        return { id, revokedAtProvider: true };
      },
    ],
    [
      'DELETE /tenants/:id',
      (_request, id) => {
        const owned = connections.list().filter(({ connection }) => connection.tenantId === id);
        for (const stored of owned) connections.delete(stored);
        return { connections: owned.length, revokedAtProvider: owned.length };
      },
    ],
    ...secretRoutes(connections, now),
  ];
};

/** A provider refused a credential: the current one is replaced, or, where nothing renews it, a person is asked for. */
const refused = (connections: MemoryConnections, stored: StoredConnection, version: number): void => {
  const { status, version: current } = stored.connection;
  if (version !== current || status === 'needs_reconnect' || status === 'degraded') return;
  if (stored.credential.isRenewable) connections.refresh(stored);
  else connections.needsReconnect(stored, stored.credential.kind === 'oauth2' ? 'revoked' : 'key_invalid');
};

const secretRoutes = (connections: MemoryConnections, now: () => number): Route[] => {
  const secretOf = (id: string, name: string) => {
    const secret = connections.get(id).secrets.get(name);
    if (secret === undefined) throw new AuthpipeError('not_found', 'There is no secret of this name.');
    return secret;
  };
  return [
    [
      'PUT /connections/:id/secrets/:name',
      ({ body }, id = '', name = '') => {
        const value: unknown =
          typeof body === 'object' && body !== null ? Reflect.get(body, 'value') : undefined;
        if (typeof value !== 'string' || value === '') throw invalidRequest('value is missing.', '/value');
        const { secrets } = connections.get(id);
        const time = new Date(now()).toISOString();
        const before = secrets.get(name);
        const info = {
          name,
          version: (before?.version ?? 0) + 1,
          createdAt: before?.createdAt ?? time,
          updatedAt: time,
        };
        secrets.set(name, { ...info, value });
        return info;
      },
    ],
    ['GET /connections/:id/secrets/:name', (_request, id = '', name = '') => secretOf(id, name)],
    [
      'DELETE /connections/:id/secrets/:name',
      (_request, id = '', name = '') => {
        secretOf(id, name);
        connections.get(id).secrets.delete(name);
      },
    ],
  ];
};

const refsOf = (body: unknown): unknown[] => {
  const refs: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, 'credentials') : undefined;
  if (Array.isArray(refs) && refs.length > 0 && refs.length <= 100) return refs;
  throw invalidRequest('credentials must hold 1 to 100 refs.', '/credentials');
};

const outcomeOf = (credential: () => unknown) => {
  try {
    return { credential: credential() };
  } catch (error) {
    return { error: problemOf(error) };
  }
};

const pageOf = (all: readonly StoredConnection[], query: MemoryRequest['query']) => {
  const { cursor, limit, ...filter } = query;
  const fitting = all.map(({ connection }) => connection).filter((connection) => fits(connection, filter));
  const start = cursor === undefined ? 0 : fitting.findIndex(({ id }) => id === cursor) + 1;
  const data = fitting.slice(start, start + Number(limit ?? DEFAULT_PAGE));
  const hasMore = start + data.length < fitting.length;
  return { data, nextCursor: hasMore ? (data.at(-1)?.id ?? null) : null };
};

const fits = (connection: Connection, filter: Readonly<Record<string, string>>): boolean =>
  Object.entries(filter).every(([name, value]) =>
    name.startsWith('metadata.')
      ? connection.metadata[name.slice('metadata.'.length)] === value
      : Reflect.get(connection, name) === value,
  );
