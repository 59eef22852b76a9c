import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { API_KEY, credential, HttpServer } from './http-server.js';

let server: HttpServer;
beforeEach(async () => {
  server = await HttpServer.start();
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  server.answer = () => ({
    json: credential({ credential: 'secret-token', expiresAt, refreshAfter: null }),
  });
});
afterEach(() => server.stop());

/** Only a script that hangs meets the timeout: the server's side of each connection stays open for longer. */
const run = (script: string) =>
  promisify(execFile)(
    process.execPath,
    ['--conditions=authpipe:source', '--import', 'tsx', join(import.meta.dirname, 'scripts', script)],
    {
      cwd: import.meta.dirname,
      env: { ...process.env, AUTHPIPE_API_KEY: API_KEY, AUTHPIPE_URL: server.url, NODE_OPTIONS: '' },
      timeout: 30_000,
    },
  );

describe('a script that uses the client', () => {
  it('ends by itself, and shows no secret when it prints the client', async () => {
    const { stdout, stderr } = await run('reads-a-credential.ts');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `Authpipe { baseUrl: '${server.url}', environment: 'test', cachedCredentials: 1, freshness: 'max_age' }`,
    );
    expect(stdout).toContain('read 12 characters');
    expect(`${stdout}${stderr}`).not.toContain(API_KEY);
    expect(`${stdout}${stderr}`).not.toContain('secret-token');
  });

  it('ends by itself while its event stream is open', async () => {
    server.answerStream = () => 'stream';
    const running = run('listens-to-events.ts');
    const stream = await server.streamOpened();
    stream.ready();
    expect(stream.isOpen).toBe(true);
    const { stdout } = await running;
    expect(stdout).toContain('freshness: stream');
  });
});
