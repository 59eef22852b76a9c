import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DatabaseLink, linkDatabase } from './support/database-link.js';
import { postgresUrl } from './support/databases.js';
import { createPostgresDatabase } from './support/pristine-postgres.js';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const postgres = postgresUrl();

(postgres === null ? describe.skip : describe)('authpipe serve, told to stop', () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let link: DatabaseLink;
  let dataDir: string;
  let server: ChildProcess;
  let said = '';

  beforeAll(async () => {
    database = await createPostgresDatabase(postgres ?? '');
    link = await linkDatabase(database.url);
    dataDir = mkdtempSync(join(tmpdir(), 'authpipe-stop-'));
    server = spawn(
      process.execPath,
      ['--conditions=authpipe:source', '--import', 'tsx', 'src/main.ts', 'serve'],
      {
        cwd: PACKAGE,
        env: { PATH: process.env.PATH, PORT: '0', AUTHPIPE_DATA_DIR: dataDir, DATABASE_URL: link.url },
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    server.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    while (!said.includes('Authpipe is ready')) await once(server.stdout ?? server, 'data');
  });
  afterAll(async () => {
    server.kill('SIGKILL');
    await link.close();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  it('ends in order though the database is away: what it has to finish is not cut off', async () => {
    const exited = once(server, 'exit');
    link.cut();
    while (!said.includes('the database does not answer')) await once(server.stdout ?? server, 'data');
    server.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
