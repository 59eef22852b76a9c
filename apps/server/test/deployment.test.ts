import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { createDeploymentStore } from '../src/deployment/deployment-store.js';
import { isCopiedFolder, readFolderMark } from '../src/deployment/folder-mark.js';
import { readIdentityFile, writeIdentityFile } from '../src/deployment/identity-file.js';
import { createPulse } from '../src/deployment/pulse.js';
import { systemRandomness } from '../src/randomness.js';
import { describeEachEngine } from './support/databases.js';
import {
  type DeploymentWorld,
  deploymentWorld,
  plantConnection,
  ROOT_KEY_ID,
} from './support/deployment-world.js';

describeEachEngine("a deployment's identity", (open, engine) => {
  let db: Database;
  let world: DeploymentWorld;
  let home: string;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await db.query('test_forget_identity', 'DELETE FROM deployments', []);
    await db.query('test_forget_connections', 'DELETE FROM connections', []);
    world = deploymentWorld();
    home = world.newFolder();
  });
  afterEach(() => world.close());
  afterAll(() => db.close());

  const identity = async () => {
    const found = await createDeploymentStore({ db }).findIdentity();
    if (!found) throw new Error('There is none.');
    return found;
  };
  /** Lets a server run on for a while, as its heartbeat does. */
  const runFor = async (seconds: number, ...servers: { tick: () => Promise<void> }[]) => {
    for (let second = 0; second < seconds; second += 1) {
      world.move(1);
      for (const server of servers) await server.tick();
    }
  };
  /** Puts the row back as it was: what a restored backup does to it. */
  const restore = async (row: { highWater: number; deploymentId: string }) => {
    await db.query('test_restore', 'UPDATE deployments SET high_water = $1, deployment_id = $2', [
      row.highWater,
      row.deploymentId,
    ]);
  };
  /** Puts a copy of another deployment's database in the place of this one. */
  const replaceByCopy = async (adoptedAt: Date | null = null) => {
    await db.query(
      'test_copy',
      `UPDATE deployments SET deployment_id = 'dep_production', high_water = high_water + 1000000, adopted_at = $1`,
      [adoptedAt],
    );
  };

  describe('at the first start', () => {
    it('is made, and remembered for the owner of the folder alone', async () => {
      const server = await world.start(db, home);
      const { deploymentId } = server.state();
      expect(deploymentId).toMatch(/^dep_[\w-]{22}$/);
      expect(server.state()).toEqual({ deploymentId, refresh: 'running', reason: null, detail: null });
      expect(await identity()).toMatchObject({ deploymentId, rootKeyId: ROOT_KEY_ID });
      expect(world.remembered(home)).toMatchObject({ deploymentId });
      expect((statSync(world.fileOf(home)).mode & 0o777).toString(8)).toBe('600');
      expect(world.takeLog()).toContain(deploymentId);
    });

    it('is the one that was given', async () => {
      const server = await world.start(db, home, { givenId: 'prod' });
      expect(server.state()).toMatchObject({ deploymentId: 'prod', refresh: 'running' });
    });

    it('is made once by servers that start at the same time, and none of them freezes', async () => {
      let lookedAt = 0;
      let letAllGo = () => {};
      const allLooked = new Promise<void>((resolve) => {
        letAllGo = resolve;
      });
      /** Each has looked before any of them makes it. */
      const together: Database = {
        ...db,
        query: async (...call) => {
          if (call[0] === 'deployment_create') {
            lookedAt += 1;
            if (lookedAt === 3) letAllGo();
            await allLooked;
          }
          return db.query(...call);
        },
      };
      const servers = await Promise.all([0, 1, 2].map(() => world.start(together, world.newFolder())));
      expect(new Set(servers.map((server) => server.state().deploymentId)).size).toBe(1);
      expect(servers.map((server) => server.isFrozen())).toEqual(servers.map(() => false));
    });

    it('is made for a database with connections from before there were identities', async () => {
      await plantConnection(db, world.clock.now());
      expect((await world.start(db, home)).isFrozen()).toBe(false);
      expect((await world.start(db, home)).isFrozen()).toBe(false);
    });

    it('freezes where that database is a backup: the folder remembers what it does not know', async () => {
      const server = await world.start(db, home);
      await runFor(20, server);
      await db.query('test_forget_identity', 'DELETE FROM deployments', []);
      await plantConnection(db, world.clock.now());
      const next = await world.start(db, home);
      expect(next.state()).toMatchObject({
        ...server.state(),
        ...{ refresh: 'frozen', reason: 'restored' },
        detail: expect.anything(),
      });
      expect((await world.start(db, home)).state().reason).toBe('restored');
    });

    it('goes on with an empty database under the remembered name', async () => {
      const server = await world.start(db, home);
      await runFor(20, server);
      await db.query('test_forget_identity', 'DELETE FROM deployments', []);
      expect((await world.start(db, home)).state()).toEqual(server.state());
    });
  });

  describe('at a restart', () => {
    it('is known again, however long the server was away, stopped in order or killed', async () => {
      const server = await world.start(db, home);
      await runFor(25, server);
      world.move(86_400);
      const killed = await world.start(db, home);
      expect(killed.state()).toEqual(server.state());
      await runFor(5, killed);
      await killed.close();
      expect((await world.start(db, home)).isFrozen()).toBe(false);
    });

    it('is known by AUTHPIPE_DEPLOYMENT_ID without a folder, which wins over what the folder says', async () => {
      await world.start(db, home, { givenId: 'prod' });
      expect((await world.start(db, world.newFolder(), { givenId: 'prod' })).isFrozen()).toBe(false);
      const other = world.newFolder();
      world.remember(other, JSON.stringify({ deploymentId: 'dep_other', highWater: 9e15, folder: null }));
      expect((await world.start(db, other, { givenId: 'prod' })).isFrozen()).toBe(false);
    });

    it('fits while the keys of the vault are changed, and not with a root key of another', async () => {
      await world.start(db, home);
      const changed = await world.start(db, home, { rootKeyIds: ['rk_second', ROOT_KEY_ID] });
      expect(changed.isFrozen()).toBe(false);
      expect((await world.start(db, home, { rootKeyIds: ['rk_second'] })).isFrozen()).toBe(false);
      const state = (await world.start(db, home)).state();
      expect(state).toMatchObject({ refresh: 'frozen', reason: 'copied' });
      expect(state.detail).toContain('rk_second');
    });

    it('can not be kept in a folder that takes no file: the server says so once, and runs', async () => {
      const file = join(world.newFolder(), 'file');
      writeFileSync(file, '');
      const server = await world.start(db, join(file, 'data'), { givenId: 'prod' });
      await runFor(30, server);
      expect(server.isFrozen()).toBe(false);
      expect(world.takeLog().match(/can't keep its deployment's identity/g)).toHaveLength(1);
    });
  });

  describe('freezes', () => {
    it('on a copy, where the server is given another name', async () => {
      await world.start(db, home, { givenId: 'prod' });
      const staging = await world.start(db, world.newFolder(), { givenId: 'staging' });
      expect(staging.state()).toMatchObject({ deploymentId: 'prod', refresh: 'frozen', reason: 'copied' });
      expect(staging.state().detail).toContain('authpipe adopt --copy');
      expect(world.takeLog()).toMatch(/"level":40.*Refresh is frozen\. .*names staging/);
    });

    it('on a copy, where the folder remembers another', async () => {
      await world.start(db, home);
      await replaceByCopy();
      const state = (await world.start(db, home)).state();
      expect(state).toMatchObject({ deploymentId: 'dep_production', refresh: 'frozen', reason: 'copied' });
      expect(world.remembered(home).deploymentId).not.toBe('dep_production');
    });

    it('on a restored backup, by what the folder remembers; not for what a crash may lose', async () => {
      const server = await world.start(db, home);
      await runFor(10, server);
      const backup = await identity();
      await runFor(90, server);
      await server.close();
      const now = await identity();
      await restore({ ...now, highWater: now.highWater - (engine === 'pglite' ? 50_000 : 4_000) });
      expect((await world.start(db, home)).isFrozen()).toBe(false);
      await writeIdentityFile(home, { ...now, folder: null }, systemRandomness);
      await restore(backup);
      const state = (await world.start(db, home)).state();
      expect(state).toMatchObject({ refresh: 'frozen', reason: 'restored' });
      expect(state.detail).toContain('authpipe adopt --replace');
      // A frozen server wipes out no trace.
      expect(await identity()).toEqual(backup);
      expect((await world.start(db, home)).state().reason).toBe('restored');
    });

    it('where nothing is known and nobody is at work, and names the ways out', async () => {
      const { deploymentId } = (await world.start(db, home)).state();
      const state = (await world.start(db, world.newFolder())).state();
      expect(state).toMatchObject({ deploymentId, refresh: 'frozen', reason: 'unknown' });
      for (const way of [
        `AUTHPIPE_DEPLOYMENT_ID=${deploymentId}`,
        'AUTHPIPE_DATA_DIR',
        '--copy',
        '--replace',
      ]) {
        expect(state.detail).toContain(way);
      }
    });

    it('again when it is restarted at once, beside other frozen servers', async () => {
      await world.start(db, home);
      const frozen = [await world.start(db, world.newFolder())];
      const beside = await world.start(db, world.newFolder(), {
        meanwhile: async () => {
          for (const server of frozen) await server.tick();
        },
      });
      await runFor(30, beside, ...frozen);
      expect([beside, ...frozen].map((server) => server.state().reason)).toEqual(['unknown', 'unknown']);
    });

    it.each([
      '{"deploymentId":',
      '',
      '[]',
      '{"deploymentId":"dep_1","highWater":"many","folder":null}',
      'null',
    ])('where the file is damaged (%j), and leaves it for a person to look at', async (text) => {
      const { deploymentId } = (await world.start(db, home)).state();
      world.remember(home, text);
      const state = (await world.start(db, home)).state();
      expect(state).toMatchObject({ refresh: 'frozen', reason: 'unknown' });
      expect(state.detail).toContain('deployment.json in AUTHPIPE_DATA_DIR is damaged');
      expect(readFileSync(world.fileOf(home), 'utf8')).toBe(text);
      expect((await world.start(db, home, { givenId: deploymentId })).isFrozen()).toBe(false);
      expect(world.remembered(home).deploymentId).toBe(deploymentId);
    });

    it('warns every ten minutes', async () => {
      await world.start(db, home);
      const frozen = await world.start(db, world.newFolder());
      world.takeLog();
      for (let minute = 0; minute < 21; minute += 1) {
        world.move(60);
        await frozen.tick();
      }
      expect(world.takeLog().match(/Refresh is frozen/g)).toHaveLength(2);
    });
  });

  describe('of a live deployment', () => {
    it('is taken over by a new replica that remembers nothing', async () => {
      const server = await world.start(db, home);
      const folder = world.newFolder();
      const replica = await world.start(db, folder, { meanwhile: server.tick });
      // The embedded database has one process, and no replicas that are worth a wait.
      if (engine === 'pglite') await runFor(10, server, replica);
      expect(replica.state()).toEqual(server.state());
      expect(world.remembered(folder)).toMatchObject({ deploymentId: server.state().deploymentId });
      expect(world.takeLog()).toMatch(/joined the deployment|Refresh runs again/);
    });

    it('is taken over by a replica that started before the others', async () => {
      await world.start(db, home);
      const early = await world.start(db, world.newFolder());
      expect(early.isFrozen()).toBe(true);
      const owner = await world.start(db, home);
      await runFor(8, owner, early);
      expect(early.isFrozen()).toBe(false);
    });

    it('is not, when all that moves is one newer copy put in the place of an older one', async () => {
      await world.start(db, home);
      const staging = await world.start(db, world.newFolder());
      for (let night = 0; night < 5; night += 1) {
        await runFor(20, staging);
        await db.query('test_newer_copy', 'UPDATE deployments SET high_water = high_water + 1000000', []);
      }
      await runFor(5, staging);
      expect(staging.state().reason).toBe('unknown');
    });
  });

  describe('while the server runs', () => {
    it('rises in the database every two seconds, and in the file at most every ten', async () => {
      const server = await world.start(db, home);
      const seen = { rows: new Set<number>(), files: new Set<number>() };
      for (let second = 0; second < 40; second += 1) {
        await runFor(1, server);
        seen.rows.add((await identity()).highWater);
        seen.files.add(world.remembered(home).highWater);
        expect(world.remembered(home).highWater).toBeLessThanOrEqual((await identity()).highWater);
      }
      expect(seen.rows.size).toBe(20);
      expect(seen.files.size).toBeLessThanOrEqual(5);
      expect(seen.files.size).toBeGreaterThanOrEqual(4);
      await server.close();
      expect(world.remembered(home).highWater).toBe((await identity()).highWater);
    });

    it('rises though the clock was set back', async () => {
      const server = await world.start(db, home);
      await runFor(4, server);
      const { highWater } = await identity();
      world.move(-3600);
      await runFor(4, server);
      expect((await identity()).highWater).toBeGreaterThan(highWater);
    });

    it('freezes when a backup is put in the place of the database', async () => {
      const server = await world.start(db, home);
      await runFor(2, server);
      const backup = await identity();
      await runFor(120, server);
      await restore(backup);
      await runFor(3, server);
      expect(server.state()).toMatchObject({ refresh: 'frozen', reason: 'restored' });
      expect(await identity()).toEqual(backup);
    });

    it.each([
      ['never adopted', () => null],
      ['adopted before', () => new Date('2026-02-01T12:00:00Z')],
      ['adopted a moment ago, elsewhere', () => world.clock.now()],
    ])('freezes when a copy of another deployment is put there that was %s', async (_name, adoptedAt) => {
      const server = await world.start(db, home);
      await runFor(10, server);
      await replaceByCopy(adoptedAt());
      await runFor(10, server);
      expect(server.state()).toMatchObject({ deploymentId: 'dep_production', reason: 'copied' });
    });

    it('never rejects while the database is away, and stays as it was', async () => {
      let isAway = false;
      const flaky: Database = {
        ...db,
        query: (...call) => (isAway ? Promise.reject(new Error('away')) : db.query(...call)),
      };
      const server = await world.start(flaky, home);
      const frozen = await world.start(flaky, world.newFolder());
      isAway = true;
      await runFor(20, server, frozen);
      expect([server.isFrozen(), frozen.isFrozen()]).toEqual([false, true]);
      await server.close();
      isAway = false;
      expect((await world.start(flaky, home)).isFrozen()).toBe(false);
    });
  });

  describe('adopted as a copy', () => {
    it('gets another name; what was there is foreign, what comes is its own, and servers thaw', async () => {
      await plantConnection(db, world.clock.now());
      await plantConnection(db, world.clock.now(), 'api_key');
      await world.start(db, home, { givenId: 'prod' });
      const folder = world.newFolder();
      const staging = await world.start(db, folder);
      const [made, elsewhere] = [world.clock.now(), world.newFolder()];
      await runFor(20, staging);
      const adoption = await world.adopt(db, elsewhere, 'copy');
      expect(adoption).toMatchObject({ formerId: 'prod', connections: 1, file: { fault: null } });
      expect(adoption.deploymentId).toMatch(/^dep_/);
      await runFor(1, staging);
      expect(staging.state()).toMatchObject({ deploymentId: adoption.deploymentId, refresh: 'running' });
      expect(world.takeLog()).toContain('Refresh runs again: the database was adopted');
      expect(staging.provenanceOf(made)).toBe('foreign');
      world.move(1);
      expect(staging.provenanceOf(world.clock.now())).toBe('own');
      for (const known of [folder, elsewhere]) {
        const next = await world.start(db, known);
        expect([next.isFrozen(), next.provenanceOf(made)]).toEqual([false, 'foreign']);
      }
      expect((await world.start(db, home, { givenId: 'prod' })).state().reason).toBe('copied');
    });

    it('takes the name that is given, which its servers have to have', async () => {
      await world.start(db, home, { givenId: 'prod' });
      const staging = await world.start(db, world.newFolder(), { givenId: 'staging' });
      const other = await world.start(db, world.newFolder(), { givenId: 'other' });
      await runFor(10, staging, other);
      await world.adopt(db, world.newFolder(), 'copy', 'staging');
      await runFor(1, staging, other);
      expect(staging.state()).toMatchObject({ deploymentId: 'staging', refresh: 'running' });
      expect(other.state()).toMatchObject({ deploymentId: 'staging', refresh: 'frozen', reason: 'copied' });
    });

    it('counts a grant as foreign that a server with a fast clock wrote', async () => {
      const ahead = new Date(world.clock.now().getTime() + 600_000);
      await plantConnection(db, ahead);
      const { before } = await world.adopt(db, home, 'copy');
      expect(before.getTime()).toBe(ahead.getTime() + 1);
      expect((await world.start(db, home)).provenanceOf(ahead)).toBe('foreign');
    });

    it('is refused to the original: its own folder, its own name, its own running servers', async () => {
      const owner = await world.start(db, home);
      const before = await identity();
      await expect(world.adopt(db, home, 'copy')).rejects.toThrow(
        'This data folder belongs to the deployment',
      );
      await expect(world.adopt(db, world.newFolder(), 'copy', before.deploymentId)).rejects.toMatchObject({
        name: 'StartError',
        message: expect.stringContaining('which the original has'),
      });
      expect(await identity()).toEqual(before);
      if (engine === 'pglite') return;
      const adopting = world.adopt(db, world.newFolder(), 'copy', null, () => owner.tick());
      await expect(adopting).rejects.toThrow('runs on this database');
      expect((await identity()).foreignBefore).toBeNull();
    });
  });

  describe('adopted as a replacement', () => {
    it('keeps its name; what was there is unproven, what comes is its own, and servers thaw', async () => {
      const server = await world.start(db, home);
      await runFor(2, server);
      const backup = await identity();
      const made = world.clock.now();
      await plantConnection(db, made);
      await runFor(120, server);
      await restore(backup);
      await runFor(3, server);
      expect(server.isFrozen()).toBe(true);
      const adoption = await world.adopt(db, world.newFolder(), 'replace');
      expect(adoption).toMatchObject({ deploymentId: backup.deploymentId, connections: 1 });
      await runFor(1, server);
      expect(server.state()).toMatchObject({ deploymentId: backup.deploymentId, refresh: 'running' });
      expect(server.provenanceOf(made)).toBe('unproven');
      world.move(1);
      expect(server.provenanceOf(world.clock.now())).toBe('own');
      await server.close();
      expect((await world.start(db, home)).isFrozen()).toBe(false);
      expect((await identity()).rootKeyId).toBe(ROOT_KEY_ID);
    });

    it('stands above what the folder remembers, so that the next start does not freeze again', async () => {
      const server = await world.start(db, home);
      const ahead = { ...(await identity()), highWater: world.clock.now().getTime() + 3_600_000 };
      await writeIdentityFile(home, { ...ahead, folder: null }, systemRandomness);
      expect((await world.start(db, home)).state().reason).toBe('restored');
      await world.adopt(db, home, 'replace');
      expect((await identity()).highWater).toBeGreaterThan(ahead.highWater);
      const next = await world.start(db, home);
      expect(next.state()).toEqual(server.state());
    });

    it('is seen by servers that run on it as their own', async () => {
      const server = await world.start(db, home);
      await runFor(10, server);
      const made = world.clock.now();
      world.move(1);
      await world.adopt(db, home, 'replace');
      await runFor(2, server);
      expect(server.isFrozen()).toBe(false);
      expect(server.provenanceOf(made)).toBe('unproven');
    });

    it('does not thaw by an adoption from before the freeze, which came with the copy', async () => {
      await world.start(db, home);
      await world.adopt(db, home, 'replace');
      await runFor(10);
      const staging = await world.start(db, world.newFolder());
      await runFor(30, staging);
      expect(staging.state().reason).toBe('unknown');
      // The next night's copy brings a later one, which is older than the freeze all the same.
      await replaceByCopy(world.clock.now());
      await db.query(
        'test_older',
        `UPDATE deployments SET adopted_at = adopted_at - interval '35 seconds'`,
        [],
      );
      await runFor(5, staging);
      expect(staging.isFrozen()).toBe(true);
    });

    it('keeps what another adoption said of older grants, and foreign outweighs unproven', async () => {
      const first = world.clock.now();
      world.move(60);
      await world.adopt(db, home, 'replace');
      const second = world.clock.now();
      world.move(60);
      await world.adopt(db, world.newFolder(), 'copy', 'staging');
      world.move(60);
      const third = world.clock.now();
      world.move(60);
      await world.adopt(db, world.newFolder(), 'replace');
      const server = await world.start(db, world.newFolder(), { givenId: 'staging' });
      expect([first, second, third].map(server.provenanceOf)).toEqual(['foreign', 'foreign', 'unproven']);
      expect(server.provenanceOf(new Date(world.clock.now().getTime() + 1))).toBe('own');
      const { foreignBefore } = await identity();
      world.move(-3600);
      await world.adopt(db, world.newFolder(), 'copy', 'staging-2');
      expect((await identity()).foreignBefore).toEqual(foreignBefore);
    });
  });
});

describe('the file of the identity', () => {
  const world = deploymentWorld();
  afterAll(() => world.close());

  it('is whole whenever it is read, with many writing it, and nothing else stays', async () => {
    const home = world.newFolder();
    const write = (highWater: number) =>
      writeIdentityFile(home, { deploymentId: 'dep_1', highWater, folder: null }, systemRandomness);
    await write(0);
    let isWriting = true;
    const writing = Promise.all(Array.from({ length: 50 }, (_, index) => write(index))).finally(() => {
      isWriting = false;
    });
    while (isWriting)
      expect(await readIdentityFile(home)).toMatchObject({ memory: { deploymentId: 'dep_1' }, fault: null });
    await writing;
    expect(readdirSync(home)).toEqual(['deployment.json']);
  });

  it('that is a folder is told as a fault, not thrown', async () => {
    const home = world.newFolder();
    mkdirSync(world.fileOf(home));
    expect((await readIdentityFile(home)).fault).toContain('EISDIR');
  });

  it('tells a copied data folder from one that was moved or used again', async () => {
    const home = world.newFolder();
    mkdirSync(join(home, 'database'));
    writeFileSync(join(home, 'database', 'PG_VERSION'), '17');
    const mark = await readFolderMark(home);
    expect(mark).not.toBeNull();
    const copy = world.newFolder();
    cpSync(home, copy, { recursive: true, preserveTimestamps: true });
    expect(isCopiedFolder(mark, await readFolderMark(copy))).toBe(true);
    expect(isCopiedFolder(mark, await readFolderMark(home))).toBe(false);
    renameSync(home, `${home}-moved`);
    expect(isCopiedFolder(mark, await readFolderMark(`${home}-moved`))).toBe(false);
    if (mark) expect(isCopiedFolder(mark, { ...mark, inode: '1' })).toBe(false);
    expect(isCopiedFolder(null, mark)).toBe(false);
  });
});

it('a pulse is two rises within ten seconds of each other', () => {
  const look = (highWater: number, seconds: number) =>
    [{ deploymentId: 'dep_1', highWater } as never, new Date(seconds * 1000)] as const;
  const steady = createPulse();
  expect([look(1, 0), look(1, 1), look(2, 2), look(2, 3), look(3, 4)].map((each) => steady(...each))).toEqual(
    [...[false, false, false, false, true]],
  );
  const rare = createPulse();
  expect([look(1, 0), look(2, 20), look(3, 40), look(4, 60)].map((each) => rare(...each))).not.toContain(
    true,
  );
  const setBack = createPulse();
  expect([look(5, 0), look(6, 1), look(2, 2), look(3, 3)].map((each) => setBack(...each))).not.toContain(
    true,
  );
});
