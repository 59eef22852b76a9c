import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { API_KEY, credential, HttpServer } from './http-server.js';

let server: HttpServer;
beforeEach(async () => {
  server = await HttpServer.start();
});
afterEach(() => server.stop());

describe('a script that uses the client', () => {
  it('ends by itself, and shows no secret when it prints the client', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    server.answer = () => ({
      json: credential({ credential: 'secret-token', expiresAt, refreshAfter: null }),
    });
    const script = join(import.meta.dirname, 'scripts', 'reads-a-credential.ts');
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=authpipe:source', '--import', 'tsx', script],
      {
        cwd: import.meta.dirname,
        env: { ...process.env, AUTHPIPE_API_KEY: API_KEY, AUTHPIPE_URL: server.url, NODE_OPTIONS: '' },
        // Only a script that hangs gets here: the server's side of the connection stays open for longer.
        timeout: 30_000,
      },
    );
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `Authpipe { baseUrl: '${server.url}', environment: 'test', cachedCredentials: 1 }`,
    );
    expect(stdout).toContain('read 12 characters');
    expect(`${stdout}${stderr}`).not.toContain(API_KEY);
    expect(`${stdout}${stderr}`).not.toContain('secret-token');
  });
});
