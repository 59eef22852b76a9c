import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import type { Deployment } from '../src/deployment/deployment.js';
import { createDeploymentStore } from '../src/deployment/deployment-store.js';
import { openDeployment } from '../src/deployment/open-deployment.js';
import { createLogger } from '../src/log/logger.js';
import { systemRandomness } from '../src/randomness.js';
import { describeEachEngine } from './support/databases.js';
import {
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;
const ENDED_SECONDS = 3700;

describeEachEngine('a database that is exchanged under a running server', (open, engine) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let deployment: Deployment;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = () => node.refresh.sweepDueRefreshes(clock.now());
  const asked = () => org.control.counters().refreshRequests;
  const look = async () => {
    clock.move(3);
    await deployment.tick();
  };
  const putInPlace = (change: 'backup' | 'copy' | 'standby') => {
    const changes = {
      backup: 'high_water = high_water - 300000',
      copy: `deployment_id = 'dep_production', high_water = high_water + 1000000`,
      // It took over, and has missed what a crash may lose.
      standby: `high_water = high_water - ${engine === 'pglite' ? 50_000 : 4_000}`,
    };
    return db.query(`test_${change}`, `UPDATE deployments SET ${changes[change]}`, []);
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await db.query('test_forget_identity', 'DELETE FROM deployments', []);
    deployment = await openDeployment({
      ...{ db, clock, randomness: systemRandomness, sleep: async () => {}, log: createLogger('silent') },
      ...{ dataDir: mkdtempSync(join(tmpdir(), 'authpipe-exchanged-')), rootKeyIds: ['rk_1'], givenId: null },
    });
    const { isFrozen, provenanceOf, proof } = deployment;
    node = await startNode({ db, clock, isFrozen, provenanceOf, proof });
    await setUpIntegration(node, org);
    await look();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it.each(['backup', 'copy'] as const)(
    'for a %s has none of its tokens used, before the server has looked whose it is',
    async (change) => {
      const { read } = await connect();
      clock.move(DUE_SECONDS);
      await look();
      await putInPlace(change);
      expect(await sweep()).toBe(1);
      expect(await read()).toMatchObject({ version: 1 });
      expect([deployment.isFrozen(), asked()]).toEqual([false, 0]);
      await look();
      expect(deployment.isFrozen()).toBe(true);
      clock.move(ENDED_SECONDS - DUE_SECONDS);
      await expect(read()).rejects.toMatchObject({ code: 'provider_unavailable' });
      expect(asked()).toBe(0);
    },
  );

  it('for a standby that missed a few commits goes on', async () => {
    const { read } = await connect();
    clock.move(DUE_SECONDS);
    await look();
    await putInPlace('standby');
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2 });
    expect(asked()).toBe(1);
  });

  it('goes on after it was adopted, with each token asked about first', async () => {
    const { read } = await connect();
    clock.move(DUE_SECONDS);
    await look();
    await putInPlace('backup');
    await look();
    expect(await sweep()).toBe(0);
    await createDeploymentStore({ db }).adopt({
      ...{ kind: 'replace', deploymentId: deployment.state().deploymentId, now: clock.now(), highWater: 0 },
    });
    await look();
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2 });
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, introspections: 1 });
  });
});
