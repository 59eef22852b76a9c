// A replica of the server for the refresh benchmark, as a process of its own: composed whole, without jobs. It takes
// connections in through its API, as an app would bring them, and sweeps when it is told to.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { REFRESH_CONCURRENCY } from '../src/refresh/refresh.js';
import { answerTasks } from './answer-tasks.js';
import { composeServer } from './composed-server.js';
import { countStatements } from './count-statements.js';

/** Refreshes under way at once in this process. */
const CONCURRENCY = Number(process.env.BENCH_CONCURRENCY ?? REFRESH_CONCURRENCY);
const IMPORTS_AT_ONCE = 16;
const CONNECTIONS_PER_TENANT = 10;

const statements = countStatements();
// A sweep has so many places. Where that is too few, one process holds several replicas.
const replicas = await Promise.all(
  Array.from({ length: Math.max(1, Math.round(CONCURRENCY / REFRESH_CONCURRENCY)) }, () =>
    composeServer(process.env),
  ),
);

const openApi = async () => {
  const server = createServer(replicas[0]?.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const call = async (method: string, path: string, body: unknown): Promise<void> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${process.env.AUTHPIPE_API_KEY}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  };
  return { call, close: () => server.close() };
};

answerTasks({
  /** Makes connections at the provider of that domain, each with tokens of its own. */
  connect: async ({ domain, connections }: { domain: string; connections: number }) => {
    const { call, close } = await openApi();
    await call('PUT', '/integrations/okta', { clientId: 'bench', clientSecret: 'bench', config: { domain } });
    let next = 0;
    const worker = async () => {
      while (next < connections) {
        const index = next;
        next += 1;
        await call('POST', '/connections', {
          provider: 'okta',
          tenantId: `org_${Math.floor(index / CONNECTIONS_PER_TENANT)}`,
          userId: `user_${index}`,
          credential: {
            accessToken: randomBytes(750).toString('base64url'),
            refreshToken: randomBytes(24).toString('base64url'),
            expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
            scopes: ['okta.users.read'],
          },
        });
      }
    };
    await Promise.all(Array.from({ length: IMPORTS_AT_ONCE }, worker));
    close();
  },

  /** Refreshes what is due. */
  sweep: async () => {
    const now = new Date();
    await Promise.all(
      replicas.map(({ work }) => work.find(({ name }) => name === 'refresh.sweep')?.run(now)),
    );
  },

  usage: () => {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const mebibytes = (bytes: number) => bytes / 2 ** 20;
    return {
      statements: statements(),
      cpuMillis: (user + system) / 1000,
      rssMiB: mebibytes(rss),
      heapMiB: mebibytes(heapUsed),
    };
  },
});
