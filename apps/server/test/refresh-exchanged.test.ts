import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import type { Deployment } from '../src/deployment/deployment.js';
import { createDeploymentStore } from '../src/deployment/deployment-store.js';
import { openDeployment } from '../src/deployment/open-deployment.js';
import { createLogger } from '../src/log/logger.js';
import type { OAuth, TokenGrant } from '../src/oauth/oauth.js';
import { systemRandomness } from '../src/randomness.js';
import { describeEachEngine } from './support/databases.js';
import { shakenDatabase } from './support/shaken-database.js';
import {
  connectUser,
  orgAnswers,
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
  /** A process of the deployment that does something once the provider has answered. */
  const startAnswered = async (then: (answer: TokenGrant) => Promise<void> | void, more = {}) => {
    const shaken = shakenDatabase(db);
    const spoolFolder = join(mkdtempSync(join(tmpdir(), 'authpipe-spool-')), 'spool');
    const withOAuth = (oauth: OAuth): OAuth => ({
      ...oauth,
      renew: async (...given) => {
        const answer = await oauth.renew(...given);
        await then(answer);
        return answer;
      },
    });
    const { isFrozen, proof } = deployment;
    const server = await startNode({ db: shaken, clock, spoolFolder, withOAuth, isFrozen, proof, ...more });
    return { server, shaken, files: () => readdirSync(spoolFolder).length };
  };
  /** A process whose spool holds the answer that it got while the database was away. */
  const startCutOff = async () => {
    const started = await startAnswered(() => started.shaken.setAway(true));
    clock.move(DUE_SECONDS);
    await look();
    expect(await started.server.refresh.sweepDueRefreshes(clock.now())).toBe(1);
    expect(started.files()).toBe(1);
    started.shaken.setAway(false);
    clock.move(5);
    return started;
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

  it.each([
    ['that has the connection', 'UPDATE credentials SET refresh_at = NULL'],
    ['that does not know the connection', 'DELETE FROM connections'],
    ['in which the connection went on', 'UPDATE credentials SET version = version + 5'],
  ])('for another %s takes nothing out of the spool, looked at or not', async (_name, change) => {
    await connect();
    const { server, shaken, files } = await startCutOff();
    await putInPlace('copy');
    await db.query(`test_${change.replace(/\W/g, '_')}`, change, []);
    const before = await db.query('test_row', 'SELECT * FROM credentials', []);
    expect(await server.spool.drain()).toBe(1);
    expect(shaken.askedFor('refresh_kept_saved')).toBeGreaterThan(0);
    await look();
    const asked = shaken.askedFor('refresh_kept_saved');
    expect(await server.spool.drain()).toBe(1);
    expect(shaken.askedFor('refresh_kept_saved')).toBe(asked);
    expect(await db.query('test_row', 'SELECT * FROM credentials', [])).toEqual(before);
    expect(files()).toBe(1);
  });

  it('for a backup that is behind the spool, once adopted, keeps it until a newer grant has passed it', async () => {
    const { userId, read } = await connect();
    const [backup] = await db.query<{ envelope: Uint8Array; issued_at: Date }>(
      'test_remember',
      'SELECT envelope, issued_at FROM credentials',
      [],
    );
    clock.move(DUE_SECONDS);
    await look();
    expect(await sweep()).toBe(1);
    const { server, files } = await startCutOff();
    await db.query('test_back', 'UPDATE credentials SET version = 1, envelope = $1, issued_at = $2', [
      backup?.envelope,
      backup?.issued_at,
    ]);
    expect(await server.spool.drain()).toBe(1);
    await connectUser(node, org, clock, { userId });
    const fresh = await read();
    expect(fresh.version).toBe(2);
    expect(await server.spool.drain()).toBe(1);
    expect(await read()).toEqual(fresh);
    clock.move(DUE_SECONDS);
    await look();
    expect(await sweep()).toBe(1);
    expect(await server.spool.drain()).toBe(0);
    expect(files()).toBe(0);
    expect(await read()).toMatchObject({ version: 3, status: 'healthy' });
  });

  it.each([
    ['revokes the late token of a connection that was deleted meanwhile', true, 401],
    ['revokes none that is not its own to end', false, 200],
  ])('%s', async (_name, mayRevoke, status) => {
    await connect();
    const answers: TokenGrant[] = [];
    const { server } = await startAnswered(
      async (answer) => {
        answers.push(answer);
        await db.query('test_clear', 'DELETE FROM connections', []);
      },
      { mayRevoke: () => mayRevoke },
    );
    clock.move(DUE_SECONDS);
    await look();
    expect(await server.refresh.sweepDueRefreshes(clock.now())).toBe(1);
    const headers = { authorization: `Bearer ${answers[0]?.accessToken}` };
    expect(await orgAnswers(org, { headers })).toBe(status);
  });
});
