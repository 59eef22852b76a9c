import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@authpipe/types';
import { makePostgresCluster } from '../../../../../scripts/postgres-cluster.mjs';
import { type Org, type Person, startOrg } from '../../org/index.js';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.js';
import { type SimulatedServer, startSimulatedServer } from './simulated-server.js';

export interface HealthWorldOptions {
  readonly connections: number;
  /** Of these, so many belong to a second integration, with a client of its own. */
  readonly ofSecondIntegration: number;
  readonly probeIntervalSeconds: number;
  /** What the org allows of each endpoint; probes may use a twentieth. */
  readonly callsPerMinute: number;
}

/** A connection of the run, and its person at the org. */
export interface MadeConnection {
  readonly id: string;
  readonly integration: string;
  readonly email: string;
  readonly grantId: string;
}

/** Two replicas on one Postgres, and an org, all on one clock that is moved. */
export interface HealthWorld {
  readonly clock: SimulatedClock;
  readonly org: Org;
  readonly servers: readonly SimulatedServer[];
  readonly connections: readonly MadeConnection[];
  /** The second integration's client. */
  readonly secondClientId: string;
  call<Answer>(method: string, path: string, body?: object): Promise<Answer>;
  close(): Promise<void>;
}

const REPLICAS = 2;
const MAKERS = 8;
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'okta.users.read'];
/** Nobody signs in here, but an app of this kind has one. */
const CALLBACK = 'http://app.localhost:1/callback';
const CLIENTS = { okta: '0oahealth1', second: '0oahealth2' } as const;

const person = (index: number): Person => ({
  email: `person${index}@acme.test`,
  firstName: 'Person',
  lastName: String(index),
  adminRole: 'READ_ONLY_ADMIN',
});

/** Starts everything, with every connection imported and none proved. Rejects where Postgres is not installed. */
export async function startHealthWorld(options: HealthWorldOptions): Promise<HealthWorld> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await startParts(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  options: HealthWorldOptions,
  closers: (() => unknown)[],
  close: () => Promise<void>,
): Promise<HealthWorld> {
  const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-faults-health-'));
  closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const postgres = await makePostgresCluster();
  if (!postgres) throw new Error('Postgres is not installed: the run makes a server of its own.');
  closers.push(() => postgres.close());
  await postgres.sql('CREATE DATABASE health');

  const clock = createSimulatedClock(Date.now());
  const secrets = { okta: randomBytes(32).toString('hex'), second: randomBytes(32).toString('hex') };
  const org = await startOrg({
    port: 0,
    clients: [
      { clientId: CLIENTS.okta, clientSecret: secrets.okta, redirectUris: [CALLBACK] },
      { clientId: CLIENTS.second, clientSecret: secrets.second, redirectUris: [CALLBACK] },
    ],
    people: Array.from({ length: options.connections }, (_, index) => person(index)),
    rotation: 'ROTATE',
    callsPerMinute: options.callsPerMinute,
    clock: clock.millis,
  });
  closers.push(() => org.close());

  const apiKey = `ap_test_${randomBytes(32).toString('hex')}`;
  const rootKey = randomBytes(32);
  const servers: SimulatedServer[] = [];
  while (servers.length < REPLICAS) {
    const { probeIntervalSeconds } = options;
    const server = await startSimulatedServer({
      ...{ databaseUrl: postgres.urlOf('health'), dataDir, apiKey, rootKey, probeIntervalSeconds, clock },
    });
    closers.push(() => server.close());
    servers.push(server);
  }
  const [first] = servers as [SimulatedServer];

  const call = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${first.url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Answer;
  };

  const domain = new URL(org.url).host;
  for (const integration of ['okta', 'second'] as const) {
    const client = { clientId: CLIENTS[integration], clientSecret: secrets[integration] };
    await call('PUT', `/integrations/${integration}`, { provider: 'okta', ...client, config: { domain } });
  }

  const make = async (index: number): Promise<MadeConnection> => {
    const integration = index < options.ofSecondIntegration ? 'second' : 'okta';
    const { email } = person(index);
    const grant = await org.control.issueGrant({
      user: email,
      clientId: CLIENTS[integration],
      scopes: SCOPES,
    });
    const expiresAt = new Date(clock.millis() + grant.expiresInSeconds * 1000).toISOString();
    const { id } = await call<Connection>('POST', '/connections', {
      ...{ provider: 'okta', integration, tenantId: 'org_faults', userId: `user_${index}` },
      credential: {
        accessToken: grant.accessToken,
        refreshToken: grant.refreshToken,
        expiresAt,
        scopes: grant.scopes,
      },
    });
    return { id, integration, email, grantId: grant.grantId };
  };
  const connections: MadeConnection[] = [];
  let next = 0;
  const maker = async () => {
    while (next < options.connections) {
      const index = next;
      next += 1;
      connections.push(await make(index));
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, maker));
  return { clock, org, servers, connections, secondClientId: CLIENTS.second, call, close };
}
