import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authpipe-runners-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a runner printed. Rejects when it fails, as it does when it finds no test or one does not pass. */
const run = async (args: readonly string[]): Promise<string> => {
  const { JEST_WORKER_ID: _jest, NODE_ENV: _env, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
    env: { ...env, NODE_OPTIONS: '', NO_COLOR: '1', AUTHPIPE_VITEST_CACHE: folder },
    timeout: 120_000,
  });
  return stdout;
};

describe('@authpipe/node/testing', () => {
  it('works in Vitest', async () => {
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
    const config = join('vitest-project', 'vitest.config.mjs');
    const report = join(folder, 'vitest.json');
    await run([vitest, 'run', '--config', config, '--reporter', 'json', '--outputFile', report]);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
      success: true,
      numPassedTests: 2,
      numTotalTests: 2,
    });
  });

  it('works in the test runner of Node, which ends by itself', async () => {
    const stdout = await run([
      ...['--conditions=authpipe:source', '--import', 'tsx', '--test', '--test-reporter', 'tap'],
      join('node-test-project', 'reconnect.mjs'),
    ]);
    expect(stdout).toMatch(/^# pass 2$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});
