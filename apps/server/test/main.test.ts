import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
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

  const run = (command: string, environment: Record<string, string> = {}) => {
    child = spawn(
      process.execPath,
      ['--conditions=authpipe:source', '--import', 'tsx', 'src/main.ts', command],
      {
        cwd: PACKAGE,
        env: { PATH: process.env.PATH, PORT: '0', AUTHPIPE_DATA_DIR: dataDir, ...environment },
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

  it('pushes its metrics to the collector that the environment names', async () => {
    const collector = createServer();
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const pushed = once(collector, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    run('serve', {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_SERVICE_NAME: 'planted-service',
    });
    const [request, response] = await pushed;
    const body = await text(request);
    response.end('{}');
    collector.closeAllConnections();
    collector.close();
    expect(request.url).toBe('/v1/metrics');
    expect(body).toContain('authpipe_refresh_overdue_seconds');
    expect(body).toContain('planted-service');
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
