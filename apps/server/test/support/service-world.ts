import { findProvider, type ProviderDefinition } from '@authpipe/providers';
import express from 'express';
import request from 'supertest';
import { type Org, type OrgClient, startOrg } from '../../../demo/src/org/index.js';
import { createImportConnection } from '../../src/connect/import-connection.js';
import { toConnection } from '../../src/credentials/to-wire.js';
import type { Database } from '../../src/db/database.js';
import { Problem } from '../../src/errors/problem.js';
import { mountRoutes } from '../../src/http/mount-routes.js';
import { problemResponse } from '../../src/http/problem-response.js';
import { connectionRoutes } from '../../src/http/v1/connections.js';
import { credentialRoutes } from '../../src/http/v1/credentials.js';
import { integrationRoutes } from '../../src/http/v1/integrations.js';
import type { OAuth } from '../../src/oauth/oauth.js';
import type { Sleep } from '../../src/sleep.js';
import { recordingLog } from './connect-world.js';
import { ENVIRONMENT, startNode, type TestClock, testClock } from './world.js';

const PUBLIC_URL = 'https://auth.example.com';

/** CrowdStrike with a cloud of the test's own: its definition is the catalogue's, but for the list of clouds. */
export const falcon = (): ProviderDefinition => {
  const found = findProvider('crowdstrike');
  const region = found?.config.region;
  if (!found || !region) throw new Error('The catalogue has no CrowdStrike.');
  return { ...found, config: { region: { ...region, parse: (value) => ({ ok: true, value }) } } };
};

/** The API for connections without a person, on a real database: keys, tenants and paging are other tests' matter. */
export const startServiceWorld = async (
  db: Database,
  options: { clock?: TestClock; withOAuth?: (oauth: OAuth) => OAuth; sleep?: Sleep } = {},
) => {
  const { clock = testClock(), withOAuth, sleep } = options;
  const { lines, log } = recordingLog();
  const definition = falcon();
  const own = { ...(withOAuth ? { withOAuth } : {}), ...(sleep ? { sleep } : {}) };
  const node = await startNode({ db, clock, log, definition, ...own });
  const find = (id: string) => (id === definition.id ? definition : findProvider(id));
  const wire = { findProvider: find, allowLoopback: true };
  // The world's integrations know the catalogue alone, which is enough: a definition by the same id has the same methods.
  const importConnection = createImportConnection({
    findProvider: find,
    resolveIntegration: node.integrations.resolveIntegration,
    openIntegration: node.integrations.openIntegration,
    oauth: node.oauth,
    saveGrant: node.grants.saveGrant,
    clock,
    allowLoopback: true,
  });
  const unused = async (): Promise<never> =>
    Promise.reject(new Problem('not_found', 'Not part of this world.'));
  const app = express();
  app.use(
    mountRoutes(
      [
        ...integrationRoutes({
          integrations: node.integrations,
          defaultRedirectUri: `${PUBLIC_URL}/connect/callback`,
          keySetUrl: (rowId) => `${PUBLIC_URL}/connect/keys/${rowId}`,
        }),
        ...connectionRoutes({
          ...node.connections,
          importConnection: async (body, environment) =>
            toConnection(await importConnection(body, environment), wire),
          refreshConnection: node.refresh.refreshConnection,
          checkConnection: node.health.checkConnection,
          reportConnection: unused,
          deleteConnection: node.disconnect.deleteConnection,
        }),
        ...credentialRoutes(node.readCredential, PUBLIC_URL),
      ],
      {
        verifyApiKey: async () => ({
          id: 'key_1',
          environment: ENVIRONMENT,
          scopes: ['admin'],
          tenantId: null,
        }),
        allows: () => true,
        once: (_request, run) => run(),
      },
    ),
    problemResponse(log, PUBLIC_URL),
  );

  const authorization = 'Bearer key';
  return {
    node,
    clock,
    app,
    /** Everything that the log said. */
    logText: () => lines.join('\n'),
    put: (integrationId: string, body: object) =>
      request(app).put(`/integrations/${integrationId}`).set({ authorization }).send(body),
    getIntegration: (integrationId: string) =>
      request(app).get(`/integrations/${integrationId}`).set({ authorization }),
    importAs: (body: object) =>
      request(app)
        .post('/connections')
        .set({ authorization })
        .send({ tenantId: 'org_acme', owner: 'tenant', ...body }),
    read: (connectionId: string) =>
      request(app).get(`/credentials?connectionId=${connectionId}`).set({ authorization }),
    readMany: (connectionIds: readonly string[]) =>
      request(app)
        .post('/credentials/batch')
        .set({ authorization })
        .send({ credentials: connectionIds.map((connectionId) => ({ connectionId })) }),
    connectionCount: () => db.prisma.connection.count(),
    /** All that was told of what happened. */
    eventText: async () =>
      JSON.stringify(await db.prisma.event.findMany(), (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    /** The bytes of every sealed thing and the text of all else that is stored. */
    storedText: async () => {
      const rows = await db.query<{ text: string }>(
        'stored_text',
        `SELECT coalesce(string_agg(encode(k.envelope, 'escape') || k::text, ' '), '') ||
           (SELECT coalesce(string_agg(encode(coalesce(i.client_key, ''), 'escape') ||
             encode(coalesce(i.client_secret, ''), 'escape') || i::text, ' '), '') FROM integrations i) ||
           (SELECT coalesce(string_agg(c::text, ' '), '') FROM connections c) AS text FROM credentials k`,
        [],
      );
      return rows[0]?.text ?? '';
    },
  };
};

export type ServiceWorld = Awaited<ReturnType<typeof startServiceWorld>>;

/** An org with the given apps; its clock is real, since assertions are made out in real time. */
export const startServiceOrg = (clients: readonly OrgClient[]): Promise<Org> =>
  startOrg({ port: 0, clients });
