import {
  type AuditWhere,
  type Connection,
  namedSecret,
  namedSecretInfo,
  type NamedSecretInfo as WireInfo,
} from '@authpipe/types';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import type { NamedSecretInfo } from '../../credentials/named-secret-store.js';
import { defineRoute, type Route } from '../route.js';
import { visibleTo } from '../tenant-limit.js';

/** The store behind the routes. */
export interface NamedSecrets {
  readonly getConnection: (id: string, environment: string) => Promise<Connection>;
  readonly putSecret: (
    connectionId: string,
    environment: string,
    name: string,
    value: string,
  ) => Promise<NamedSecretInfo>;
  /** @throws Problem `not_found` */
  readonly getSecret: (
    connectionId: string,
    environment: string,
    name: string,
  ) => Promise<NamedSecretInfo & { value: string }>;
  readonly deleteSecret: (connectionId: string, environment: string, name: string) => Promise<void>;
  /** Told of each value that is given out, for the audit. */
  readonly noteSecretIssued?: (issued: {
    readonly key: ApiKeyIdentity;
    readonly where: AuditWhere;
    readonly connection: Connection;
    readonly name: string;
    readonly version: number;
  }) => void;
}

const params = z.object({
  id: z.string(),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be lower-case letters, digits, - and _, beginning with a letter'),
});

const putRequest = z.strictObject({ value: z.string().min(1, 'must not be empty').max(16_384) });

const toWire = ({ name, version, createdAt, updatedAt }: NamedSecretInfo): WireInfo => ({
  name,
  version,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

/** A provider's webhook secret and the like. */
export const namedSecretRoutes = ({
  getConnection,
  putSecret,
  getSecret,
  deleteSecret,
  noteSecretIssued,
}: NamedSecrets): Route[] => [
  defineRoute({
    method: 'put',
    path: '/connections/:id/secrets/:name',
    scope: 'connections:write',
    summary: 'Keep a named secret with a connection',
    params,
    body: putRequest,
    answer: namedSecretInfo,
    handle: async ({ key, params: { id, name }, body }) => {
      visibleTo(key, await getConnection(id, key.environment));
      return { body: toWire(await putSecret(id, key.environment, name, body.value)) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/connections/:id/secrets/:name',
    scope: 'credentials:read',
    summary: 'A named secret of a connection',
    params,
    answer: namedSecret,
    auditsUse: true,
    handle: async ({ key, where, params: { id, name } }) => {
      const connection = visibleTo(key, await getConnection(id, key.environment));
      const secret = await getSecret(id, key.environment, name);
      noteSecretIssued?.({ key, where, connection, name, version: secret.version });
      return { body: { ...toWire(secret), value: secret.value } };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/connections/:id/secrets/:name',
    scope: 'connections:write',
    summary: 'Forget a named secret',
    params,
    handle: async ({ key, params: { id, name } }) => {
      visibleTo(key, await getConnection(id, key.environment));
      await deleteSecret(id, key.environment, name);
      return { status: 204 };
    },
  }),
];
