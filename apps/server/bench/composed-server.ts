// The whole server in this process, without a port and without jobs: what the benchmarks measure.
import { createApiKeys } from '../src/access/api-key-store.js';
import { systemClock } from '../src/clock.js';
import { type Composition, compose } from '../src/compose.js';
import { readConfig } from '../src/config/read-config.js';
import { createDatabaseClock } from '../src/db/database-clock.js';
import { openDatabase } from '../src/db/open-database.js';
import { systemSteadyMillis, systemWallMillis } from '../src/db/steady-millis.js';
import type { Deployment } from '../src/deployment/deployment.js';
import { createDeploymentStore } from '../src/deployment/deployment-store.js';
import { createLogger } from '../src/log/logger.js';
import { createMetrics } from '../src/metrics/create-metrics.js';
import { systemRandomness } from '../src/randomness.js';
import { systemSleep } from '../src/sleep.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';

/** Composes the server that the environment describes. Each call is another replica, with a database pool of its own. */
export const composeServer = async (environment: NodeJS.ProcessEnv): Promise<Composition> => {
  const config = readConfig(environment);
  const log = createLogger('error');
  const db = await openDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, log });
  const [monotonicMillis, wallMillis] = [systemSteadyMillis, systemWallMillis];
  const clock = createDatabaseClock({ db, clock: systemClock, monotonicMillis });
  const common = { clock, randomness: systemRandomness };
  const vault = await openVault({ db, rootKeys: (config.encryptionKeys ?? []).map(rootKeyOf), ...common });
  const apiKeys = createApiKeys({ db, ...common });
  if (config.bootApiKey !== undefined) await apiKeys.ensureBootKey(config.bootApiKey);
  const proof = { deploymentId: 'bench', atLeast: 0 };
  const identity = { deploymentId: proof.deploymentId, rootKeyId: '', highWater: 0, now: clock.now() };
  await createDeploymentStore({ db }).createIdentity(identity);
  const deployment: Deployment = {
    isFrozen: () => false,
    state: () => ({ deploymentId: 'bench', refresh: 'running', reason: null, detail: null }),
    proof: () => proof,
    provenanceOf: () => 'own',
    tick: async () => {},
    close: async () => {},
  };
  return compose({
    ...{ config, db, vault, apiKeys, deployment, metrics: createMetrics(), monotonicMillis, wallMillis, log },
    ...common,
    sleep: systemSleep,
    version: 'bench',
    webFolder: '/nowhere',
  });
};
