import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApiKeys } from '../../../../server/src/access/api-key-store.js';
import { compose } from '../../../../server/src/compose.js';
import type { Config } from '../../../../server/src/config/read-config.js';
import { openDatabase } from '../../../../server/src/db/open-database.js';
import type { Deployment } from '../../../../server/src/deployment/deployment.js';
import { createDeploymentStore } from '../../../../server/src/deployment/deployment-store.js';
import { closeServer } from '../../../../server/src/http/close-server.js';
import { createLogger } from '../../../../server/src/log/logger.js';
import { createMetrics } from '../../../../server/src/metrics/create-metrics.js';
import { systemRandomness } from '../../../../server/src/randomness.js';
import { openVault } from '../../../../server/src/vault/open-vault.js';
import { rootKeyOf } from '../../../../server/src/vault/root-key.js';
import type { SimulatedClock } from './simulated-clock.js';

/** A replica: the server's own rooms in this process, on a clock that is moved. */
export interface SimulatedServer {
  /** Its API, over HTTP on loopback. */
  readonly url: string;
  /** Does what is due by now, as its heartbeat and its jobs would. */
  tick(): Promise<void>;
  /** Asks its database. */
  query<Row>(name: string, sql: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface SimulatedServerOptions {
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly apiKey: string;
  readonly rootKey: Buffer;
  readonly probeIntervalSeconds: number;
  readonly clock: SimulatedClock;
}

/** Shorter waits are pauses between two looks, and cost nothing here; longer ones bound what hangs, in real time. */
const BOUND_MILLIS = 1_000;
const PAUSE_MILLIS = 2;

const pause = (millis: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, millis < BOUND_MILLIS ? PAUSE_MILLIS : millis).unref();
  });

const config = (options: SimulatedServerOptions): Config => ({
  isProduction: false,
  port: 0,
  publicUrl: 'http://localhost',
  dataDir: options.dataDir,
  databaseUrl: options.databaseUrl,
  databaseDirectUrl: options.databaseUrl,
  encryptionKeys: [options.rootKey],
  bootApiKey: options.apiKey,
  allowLoopback: true,
  probeIntervalSeconds: options.probeIntervalSeconds,
  logLevel: 'silent',
  deploymentId: 'faults',
  trustedProxies: 0,
  auditRetentionDays: 365,
  otlp: null,
});

/** The database is this run's own: nothing about whose it is can change. */
const ownDeployment = (deploymentId: string): Deployment => ({
  isFrozen: () => false,
  state: () => ({ deploymentId, refresh: 'running', reason: null, detail: null }),
  proof: () => ({ deploymentId, atLeast: 0 }),
  provenanceOf: () => 'own',
  tick: async () => undefined,
  close: async () => undefined,
});

/** Starts a replica. What wakes its jobs is the run, by the same times as pg-boss would. */
export async function startSimulatedServer(options: SimulatedServerOptions): Promise<SimulatedServer> {
  const { clock } = options;
  const log = createLogger('silent');
  const db = await openDatabase({ databaseUrl: options.databaseUrl, dataDir: options.dataDir, log });
  const randomness = systemRandomness;
  const databaseClock = { now: clock.now, correct: () => undefined, ask: async () => undefined };
  const deployments = createDeploymentStore({ db });
  await deployments.createIdentity({
    deploymentId: 'dep_faults',
    rootKeyId: '',
    highWater: 0,
    now: clock.now(),
  });
  const vault = await openVault({ db, rootKeys: [rootKeyOf(options.rootKey)], clock, randomness });
  const apiKeys = createApiKeys({ db, clock, randomness });
  await apiKeys.ensureBootKey(options.apiKey);
  const { app, work, heartbeat, drain } = compose({
    ...{ config: config(options), db, vault, apiKeys, clock: databaseClock, randomness, log },
    deployment: ownDeployment('dep_faults'),
    metrics: createMetrics(),
    monotonicMillis: clock.millis,
    wallMillis: clock.millis,
    sleep: pause,
    version: '0.0.0',
    webFolder: options.dataDir,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dueAt = new Map(work.map(({ name }) => [name, clock.millis()]));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async tick() {
      await heartbeat.beat();
      for (const { name, everySeconds, run } of work) {
        if (clock.millis() < (dueAt.get(name) ?? 0)) continue;
        dueAt.set(name, clock.millis() + everySeconds * 1000);
        await run(clock.now());
      }
    },
    query: (name, sql, values = []) => db.query(name, sql, values, { mayTakeLong: true }),
    async close() {
      await drain();
      await closeServer(server);
      await db.close();
    },
  };
}
