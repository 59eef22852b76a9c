import {
  type ConnectSessionState,
  type CreatedConnectSession,
  connectSessionRequest,
  connectSessionState,
  createdConnectSession,
  finishConnectSessionRequest,
  type ParsedConnectSessionRequest,
} from '@authpipe/types';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant } from '../tenant-limit.js';

/** The use cases behind the routes. A key that is limited to a tenant finds only that tenant's sessions. */
export interface ConnectSessions {
  readonly createSession: (input: {
    key: ApiKeyIdentity;
    request: ParsedConnectSessionRequest;
  }) => Promise<CreatedConnectSession>;
  readonly getSession: (
    environment: string,
    id: string,
    tenantId: string | null,
  ) => Promise<ConnectSessionState>;
  readonly finishSession: (
    environment: string,
    id: string,
    codeVerifier: string,
    tenantId: string | null,
  ) => Promise<ConnectSessionState>;
}

const params = z.object({ id: z.string() });

/** Leave for a person to connect, and its outcome: the only word on it that a backend should trust. */
export const connectSessionRoutes = ({
  createSession,
  getSession,
  finishSession,
}: ConnectSessions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/connect-sessions',
    scope: 'sessions:create',
    summary: 'Make a connect session for one person',
    body: connectSessionRequest,
    answer: createdConnectSession,
    handle: async ({ key, body }) => {
      requireTenant(key, body.tenantId);
      return { status: 201, body: await createSession({ key, request: body }) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/connect-sessions/:id',
    scope: 'sessions:create',
    summary: 'How a connect session stands',
    params,
    answer: connectSessionState,
    handle: async ({ key, params: { id } }) => ({
      body: await getSession(key.environment, id, key.tenantId),
    }),
  }),
  defineRoute({
    method: 'post',
    path: '/connect-sessions/:id/finish',
    scope: 'sessions:create',
    summary: 'Make the connection active, with the code verifier of the session’s challenge',
    params,
    body: finishConnectSessionRequest,
    answer: connectSessionState,
    handle: async ({ key, params: { id }, body }) => ({
      body: await finishSession(key.environment, id, body.codeVerifier, key.tenantId),
    }),
  }),
];
