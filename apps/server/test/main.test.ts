import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const LOOK_MILLIS = 20;

describe('authpipe', () => {
  let dataDir: string;
  let child: ChildProcess | null = null;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'authpipe-main-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const run = (command: string) => {
    child = spawn(
      process.execPath,
      ['--conditions=authpipe:source', '--import', 'tsx', 'src/main.ts', command],
      {
        cwd: PACKAGE,
        env: { PATH: process.env.PATH, PORT: '0', AUTHPIPE_DATA_DIR: dataDir },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    return child;
  };

  it('ends when it is told to in the middle of its start, and leaves no lock', async () => {
    const server = run('serve');
    const exited = once(server, 'exit');
    // The lock is held by the time that the database is being made.
    while (!readdirSync(dataDir).some((name) => name.startsWith('database.unfinished-'))) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
    }
    expect(readdirSync(dataDir)).toContain('database.lock');
    server.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(readdirSync(dataDir)).not.toContain('database.lock');
  });

  it.each(['constructor', 'server'])('has no command %s, and says which there are', async (command) => {
    const ending = run(command);
    let said = '';
    ending.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    expect(await once(ending, 'close')).toEqual([1, null]);
    expect(said).toContain(`There is no command "${command}".`);
    expect(said).toContain('authpipe COMMAND');
  });
});
