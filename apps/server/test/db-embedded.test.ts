import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openEmbedded } from '../src/db/embedded.js';
import { StartError } from '../src/errors/start-error.js';
import { createLogger } from '../src/log/logger.js';
import type { HolderReport } from './support/embedded-holder.js';
import { killAllElsewhere, openElsewhere } from './support/embedded-process.js';

const BUILD = fileURLToPath(new URL('./support/build-embedded-holder.ts', import.meta.url));
/** tsup takes entries from its working folder. */
const SERVER = fileURLToPath(new URL('..', import.meta.url));
const log = createLogger('silent');
const root = mkdtempSync(join(tmpdir(), 'authpipe-embedded-'));
/** A data folder whose database was made once and closed well. */
const made = join(root, 'made');
let firstReport: HolderReport;

beforeAll(async () => {
  const first = openElsewhere(made);
  firstReport = await first.report;
  await first.end();
});
afterEach(killAllElsewhere);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(root, 'data-'));
/** A data folder of its own with a database in it, without the seconds that making one takes. */
const copyOfMade = (): string => {
  const dataDir = newFolder();
  cpSync(made, dataDir, { recursive: true });
  return dataDir;
};
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** The sentence that a start is refused with. */
const refusal = async (dataDir: string): Promise<string> => {
  const error = await openEmbedded(dataDir, log).then(
    () => new Error('It opened.'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
};

/** Looks every 5 ms, for 30 s at most: a creation is over within a few. */
const waitUntil = async (condition: () => boolean): Promise<void> => {
  for (let looks = 0; looks < 6_000; looks += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('It never came.');
};

describe('the first start', () => {
  it('makes the database in a child process, which gives its memory back', () => {
    expect(firstReport.rows).toBe(0);
    expect(firstReport.creators).toHaveLength(1);
  });

  it('moves it to its place only when it is whole', () => {
    const [creator] = firstReport.creators;
    expect(creator).toMatchObject({ created: true });
    expect(creator?.folder).not.toBe(join(made, 'database'));
    expect(readdirSync(made)).toEqual(['database']);
  });

  it('opens both folders to their owner alone', () => {
    expect([modeOf(made), modeOf(join(made, 'database'))]).toEqual(['700', '700']);
  });

  it('is not repeated by the next', async () => {
    const next = openElsewhere(copyOfMade());
    expect(await next.report).toEqual({ rows: 1, creators: [] });
    await next.end();
  });

  it('that was killed midway leaves nothing that the next one trips over', async () => {
    const dataDir = newFolder();
    const unfinished = () => readdirSync(dataDir).filter((name) => name.startsWith('database.unfinished-'));
    const killed = openElsewhere(dataDir);
    await waitUntil(() => unfinished().some((name) => existsSync(join(dataDir, name, 'PG_VERSION'))));
    await killed.crash();
    expect(existsSync(join(dataDir, 'database'))).toBe(false);

    // That a dead process's lock is outlasted is another test's matter.
    rmSync(join(dataDir, 'database.lock'), { recursive: true });
    const next = openElsewhere(dataDir);
    expect(await next.report).toMatchObject({ rows: 0 });
    expect(unfinished()).toEqual([]);
    await next.end();
  });

  it('that fails says so and leaves the folder as it was', async () => {
    const dataDir = newFolder();
    const failing = openElsewhere(dataDir, { childOptions: '--no-such-option' });
    expect((await failing.report).refused).toBe(
      `The embedded database could not be made in ${join(dataDir, 'database')}: is there space on the disk, and memory, and is the folder empty?`,
    );
    await failing.end();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("never removes files that aren't Authpipe's", async () => {
    const dataDir = newFolder();
    mkdirSync(join(dataDir, 'database'));
    writeFileSync(join(dataDir, 'database', 'thesis.txt'), 'dear');
    expect(await refusal(dataDir)).toContain('is the folder empty?');
    expect(readdirSync(dataDir)).toEqual(['database']);
    expect(readdirSync(join(dataDir, 'database'))).toEqual(['thesis.txt']);
  });
});

describe('a second process on the same folder', () => {
  it('is refused with the folder and three ways out, and harms nothing', async () => {
    const dataDir = copyOfMade();
    const holder = openElsewhere(dataDir);
    await holder.report;
    const second = openElsewhere(dataDir);
    expect(await second.report).toEqual({
      refused: `The embedded database in ${join(dataDir, 'database')} is open in another process: stop that one, or give this one another AUTHPIPE_DATA_DIR, or use a real Postgres with DATABASE_URL.`,
      creators: [],
    });
    await second.end();
    await holder.end();

    const third = openElsewhere(dataDir);
    expect(await third.report).toMatchObject({ rows: 2 });
    await third.end();
  });

  it('gets the folder, with its rows, when the first was killed', async () => {
    const dataDir = copyOfMade();
    const holder = openElsewhere(dataDir);
    await holder.report;
    await holder.crash();
    expect(existsSync(join(dataDir, 'database.lock'))).toBe(true);
    const next = openElsewhere(dataDir);
    expect(await next.report).toEqual({ rows: 2, creators: [] });
    await next.end();
  });
});

describe('a folder that can not be used is told in a sentence', () => {
  const cannotWrite = (folder: string) =>
    `Authpipe can't write to ${folder}: choose another folder with AUTHPIPE_DATA_DIR, or change its owner.`;

  it('when it lies below a file', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(await refusal(join(file, 'data'))).toBe(cannotWrite(join(file, 'data')));
  });

  it('when it is a file', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(await refusal(file)).toBe(cannotWrite(file));
  });

  it('when it is there and takes no new files, from nobody', async () => {
    // Not even root may write here.
    const folder = process.platform === 'linux' ? '/proc/self' : '/dev/fd';
    expect(await refusal(folder)).toBe(cannotWrite(folder));
  });

  it('when the database in it is damaged', async () => {
    const dataDir = copyOfMade();
    writeFileSync(join(dataDir, 'database', 'PG_VERSION'), '9\n');
    expect(await refusal(dataDir)).toBe(
      `The embedded database in ${join(dataDir, 'database')} can't be opened: it is damaged, or of another version. Put a backup in its place, or move it away to start with an empty one.`,
    );
    expect(readdirSync(dataDir)).toEqual(['database']);
  });
});

describe('closing', () => {
  it('may be asked for twice, and frees the folder at once', async () => {
    const dataDir = copyOfMade();
    const db = await openEmbedded(dataDir, log);
    await db.close();
    await db.close();
    expect(readdirSync(dataDir)).toEqual(['database']);
  });
});

describe('the built server', () => {
  it('finds the creator next to its bundle', async () => {
    // Below the package, so that the bundle finds its dependencies.
    const dist = mkdtempSync(join(SERVER, 'node_modules', '.embedded-'));
    try {
      execFileSync(process.execPath, ['--import', 'tsx', BUILD, dist], { cwd: SERVER });
      const first = openElsewhere(newFolder(), { entry: join(dist, 'main.js') });
      expect(await first.report).toMatchObject({ rows: 0, creators: [{ created: true }] });
      await first.end();
    } finally {
      rmSync(dist, { recursive: true, force: true });
    }
  });
});
