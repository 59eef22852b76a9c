import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@authpipe/types';
import { makePostgresCluster, type PostgresCluster } from '../../../../scripts/postgres-cluster.mjs';
import { freePort } from '../free-port.js';
import { tokenFingerprint } from '../org/index.js';
import { callServer } from './call-server.js';
import { FleetServer } from './fleet-server.js';
import { emptyLedger, type Ledger, type MadeConnection } from './ledger.js';
import { type OrgRemote, startOrgRemote } from './org-remote.js';

/** What a run is made of. */
export interface WorldOptions {
  readonly connections: number;
  readonly tokenSeconds: number;
  readonly graceSeconds: number;
  /** Servers from their sources; built ones when false. */
  readonly fromSources: boolean;
  readonly servers: number;
  /** `AUTHPIPE_DEPLOYMENT_ID` of the servers. */
  readonly deploymentId: string;
}

/** The whole system under test, each part in a process of its own. */
export interface World {
  readonly folder: string;
  readonly postgres: PostgresCluster;
  readonly org: OrgRemote;
  readonly servers: readonly FleetServer[];
  readonly ledger: Ledger;
  readonly apiKey: string;
  /** A server beside the others, on any database and under any deployment. Not started. */
  addServer(name: string, database: string, deploymentId: string | null): Promise<FleetServer>;
  close(): Promise<void>;
}

export const DATABASE = 'production';
const CLIENT_ID = '0oafaults';
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'okta.users.read'];
const TENANT = 'org_faults';
const START_MILLIS = 60_000;
/** How many connections are made at a time. */
const MAKERS = 8;

const emailOf = (index: number): string => `person${index}@acme.test`;

/** Starts everything, with every connection made. Rejects where Postgres is not installed. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'authpipe-faults-'));
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await startParts(options, folder, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  options: WorldOptions,
  folder: string,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<World> {
  const postgres = await makePostgresCluster();
  if (!postgres)
    throw new Error('Postgres is not installed: the harness stops and starts a server of its own.');
  closers.push(() => postgres.close());
  await postgres.sql(`CREATE DATABASE ${DATABASE}`);

  const ledger = emptyLedger(options.graceSeconds * 1000);
  const clientSecret = randomBytes(32).toString('base64url');
  const org = await startOrgRemote(
    {
      clients: [{ clientId: CLIENT_ID, clientSecret, redirectUris: ['http://app.localhost:1/callback'] }],
      people: Array.from({ length: options.connections }, (_none, index) => ({
        email: emailOf(index),
        firstName: 'Person',
        lastName: String(index),
        adminRole: 'READ_ONLY_ADMIN' as const,
      })),
      accessTokenLifetimeSeconds: options.tokenSeconds,
      rotation: 'ROTATE',
      graceSeconds: options.graceSeconds,
    },
    (record) => ledger.tokenRequests.push(record),
  );
  closers.push(() => org.close());

  const apiKey = `ap_test_${randomBytes(32).toString('base64url')}`;
  const ports = await Promise.all(Array.from({ length: options.servers }, freePort));
  const shared = {
    AUTHPIPE_API_KEY: apiKey,
    AUTHPIPE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    AUTHPIPE_PROBE_INTERVAL_SECONDS: '60',
  };
  const makeServer = (name: string, port: number, database: string, deploymentId: string | null) => {
    const server = new FleetServer({
      name,
      port,
      folder,
      fromSources: options.fromSources,
      environment: {
        ...shared,
        DATABASE_URL: postgres.urlOf(database),
        AUTHPIPE_URL: `http://localhost:${ports[0] ?? port}`,
        ...(deploymentId === null ? {} : { AUTHPIPE_DEPLOYMENT_ID: deploymentId }),
      },
      onLife: (life) => ledger.lives.push(life),
      onFreeze: (freeze) => ledger.freezes.push(freeze),
    });
    closers.push(() => server.stop());
    return server;
  };
  const servers = ports.map((port, index) =>
    makeServer(String.fromCharCode(97 + index), port, DATABASE, options.deploymentId),
  );
  // One after the other: the first makes the schema.
  for (const server of servers) {
    server.start();
    await server.untilReady(START_MILLIS);
  }
  const world: World = {
    ...{ folder, postgres, org, servers, ledger, apiKey },
    addServer: async (name, database, deploymentId) =>
      makeServer(name, await freePort(), database, deploymentId),
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await makeConnections(world, options, clientSecret);
  return world;
}

async function makeConnections(
  { org, servers, ledger, apiKey }: World,
  { connections }: WorldOptions,
  clientSecret: string,
): Promise<void> {
  const [first] = servers;
  if (!first) throw new Error('There is no server.');
  const integration = await callServer(first.url, apiKey, '/integrations/okta', {
    method: 'PUT',
    body: {
      provider: 'okta',
      clientId: CLIENT_ID,
      clientSecret,
      scopes: SCOPES,
      config: { domain: new URL(org.url).host },
    },
  });
  if (integration.body === null) throw new Error(`The integration was refused: ${integration.code}.`);
  const left = Array.from({ length: connections }, (_none, index) => index);
  const make = async (server: FleetServer): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop())
      ledger.connections.push(await makeConnection({ org, apiKey }, server, emailOf(index)));
  };
  await Promise.all(
    Array.from({ length: MAKERS }, (_none, index) => make(servers[index % servers.length] ?? first)),
  );
}

/** A new grant of a person, brought into Authpipe by one of its servers. */
export async function makeConnection(
  { org, apiKey }: Pick<World, 'org' | 'apiKey'>,
  server: FleetServer,
  userId: string,
  label = 'default',
): Promise<MadeConnection> {
  const grant = await org.issueGrant(userId);
  const made = await callServer<Connection>(server.url, apiKey, '/connections', {
    method: 'POST',
    body: {
      provider: 'okta',
      tenantId: TENANT,
      userId,
      label,
      credential: {
        accessToken: grant.accessToken,
        refreshToken: grant.refreshToken,
        expiresAt: new Date(Date.now() + grant.expiresInSeconds * 1000).toISOString(),
        scopes: grant.scopes,
      },
    },
  });
  if (made.body === null) throw new Error(`A connection was refused: ${made.status} ${made.code}.`);
  return {
    connectionId: made.body.id,
    grantId: grant.grantId,
    userId,
    refreshToken: tokenFingerprint(grant.refreshToken),
  };
}
