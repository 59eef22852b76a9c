import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { runAdoptCommand } from '../src/cli/adopt-command.js';
import { HELP } from '../src/cli/help.js';
import { addSeconds, systemClock } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { createDatabaseClock } from '../src/db/database-clock.js';
import { systemSteadyMillis as monotonicMillis } from '../src/db/steady-millis.js';
import { systemRandomness } from '../src/randomness.js';
import { openTestDatabase, postgresUrl } from './support/databases.js';
import { type DeploymentWorld, deploymentWorld, plantConnection } from './support/deployment-world.js';

describe('authpipe adopt', () => {
  let db: Database;
  let world: DeploymentWorld;
  let dataDir: string;
  let lines: string[];
  let notes: string[];
  beforeAll(async () => {
    db = await openTestDatabase();
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    [lines, notes] = [[], []];
    await db.prisma.deployment.deleteMany();
    await db.prisma.connection.deleteMany();
    world = deploymentWorld();
    dataDir = world.newFolder();
    await world.start(db, world.newFolder(), { givenId: 'prod' });
    world.move(1);
  });
  afterEach(() => world.close());
  const adopt = (args: string[], given: { givenId?: string; dataDir?: string } = {}) =>
    runAdoptCommand(args, {
      ...{ db, dataDir, givenId: null, clock: world.clock, randomness: systemRandomness, ...given },
      monotonicMillis: () => world.clock.now().getTime(),
      sleep: async () => {},
      writeLine: (line) => {
        lines.push(line);
      },
      writeNote: (note) => {
        notes.push(note);
      },
    });

  it('--copy prints the new id for scripts, and for people what is not refreshed and what to do', async () => {
    await plantConnection(db, world.clock.now());
    await plantConnection(db, world.clock.now());
    await adopt(['--copy']);
    expect(lines).toEqual([expect.stringMatching(/^dep_/)]);
    const said = notes.join('\n');
    expect(said).toContain(`is now the deployment ${lines[0]}; it was a copy of prod`);
    expect(said).toContain("2 OAuth connections made before 2026-03-01T12:00:01.001Z: the original's.");
    expect(said).toContain('none is refreshed or revoked');
    expect(said).toContain('connect its user again');
    expect(said).toContain(world.fileOf(dataDir));
    expect(world.remembered(dataDir).deploymentId).toBe(lines[0]);
  });

  it('--replace keeps the id, and says that each connection is asked about first', async () => {
    await plantConnection(db, world.clock.now());
    await adopt(['--replace']);
    expect(lines).toEqual(['prod']);
    expect(notes.join('\n')).toContain('This database is now the deployment prod.');
    expect(notes.join('\n')).toContain('1 OAuth connection made before');
    expect(notes.join('\n')).toContain('asked about each before its first refresh');
  });

  it('takes the id of AUTHPIPE_DEPLOYMENT_ID', async () => {
    await adopt(['--copy'], { givenId: 'staging' });
    expect(lines).toEqual(['staging']);
  });

  it('says what to set where the folder takes no file', async () => {
    await adopt(['--copy'], { dataDir: fileURLToPath(import.meta.url), givenId: 'staging' });
    expect(lines).toEqual(['staging']);
    expect(notes.at(-1)).toContain('set AUTHPIPE_DEPLOYMENT_ID=staging on every server');
  });

  it.each([
    [[], 'Say which of the two it is.'],
    [['--copy', '--replace'], 'Say which of the two it is.'],
    [['--move'], "Unknown option '--move'"],
    [['copy'], 'Unexpected argument'],
  ])('%j is answered with what both mean, and changes nothing', async (args, told) => {
    const before = await db.prisma.deployment.findFirstOrThrow();
    const run = adopt(args);
    await expect(run).rejects.toMatchObject({ name: 'StartError' });
    await expect(run).rejects.toThrow(told);
    await expect(run).rejects.toThrow(
      /--copy {6}This database is a copy[\s\S]*--replace {3}This database takes/,
    );
    expect(await db.prisma.deployment.findFirstOrThrow()).toEqual(before);
  });

  it('--help explains both, and help names it', async () => {
    await adopt(['--help']);
    expect(lines[0]).toContain('Usage: authpipe adopt --copy');
    expect(HELP).toContain('adopt --help');
  });
});

if (postgresUrl() === null) {
  process.stderr.write(
    'NOTICE: adopting by the clock of a database of its own is not tested: AUTHPIPE_TEST_DATABASE_URL is not set.\n',
  );
}
const describeOnPostgres = postgresUrl() === null ? describe.skip : describe;

// The embedded database has no clock but the machine's.
describeOnPostgres('authpipe adopt on a machine whose clock is wrong', () => {
  let db: Database;
  let world: DeploymentWorld;
  beforeAll(async () => {
    db = await openTestDatabase('postgres');
    world = deploymentWorld();
  });
  afterAll(async () => {
    await db.close();
    world.close();
  });

  it.each([
    ['--replace', -3600],
    ['--replace', 3600],
    ['--copy', -3600],
    ['--copy', 3600],
  ])(
    '%s, %d s off, thaws the servers, and what they are granted from then on is their own',
    async (kind, off) => {
      const clock = createDatabaseClock({ db, clock: systemClock, monotonicMillis });
      await clock.ask();
      await db.query('test_forget_identity', 'DELETE FROM deployments', []);
      const server = { clock, sleep: async () => {} };
      await world.start(db, world.newFolder(), { ...server, givenId: 'prod' });
      const frozen = await world.start(db, world.newFolder(), server);
      expect(frozen.state().reason).toBe('unknown');
      await runAdoptCommand([kind], {
        ...{ db, dataDir: world.newFolder(), givenId: null, randomness: systemRandomness, monotonicMillis },
        ...{ clock: { now: () => addSeconds(systemClock.now(), off) }, sleep: async () => {} },
        ...{ writeLine: () => {}, writeNote: () => {} },
      });
      await frozen.tick();
      expect(frozen.state()).toMatchObject({ refresh: 'running' });
      expect(frozen.provenanceOf(addSeconds(clock.now(), 1))).toBe('own');
    },
  );
});
