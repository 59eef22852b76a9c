// How long a change takes from its commit in the database to the eviction in clients: two server processes on one Postgres,
// clients of both, each holding all connections; one is deleted after the other.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Authpipe } from '../../packages/node/dist/index.js';
import { createDatabases } from './databases.mjs';

const serverFolder = join(import.meta.dirname, '..', '..', 'apps', 'server');
const { Client } = createRequire(join(serverFolder, 'package.json'))('pg');

const SERVERS = 2;
const CLIENTS = 50;
const CHANGES = 40;
/** Between two changes, so that each is measured by itself. */
const PAUSE_MILLIS = 50;

const startServer = async (env) => {
  const args = ['--conditions=authpipe:source', '--import', 'tsx', join('bench', 'push-server.ts')];
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const child = spawn(process.execPath, args, { cwd: serverFolder, env, stdio });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`A server ended (${code}): see above.`);
  });
  const [{ port }] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {});
  return { child, url: `http://127.0.0.1:${port}` };
};

const stop = async ({ child }) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended.catch(() => {});
};

const until = async (isSo) => {
  while (!isSo()) await delay(5);
};

const seed = async (url, apiKey) => {
  const authpipe = new Authpipe({ apiKey, baseUrl: url, stream: false });
  await authpipe.putIntegration('okta', {
    ...{ provider: 'okta', clientId: 'bench', clientSecret: 'bench', config: { domain: 'bench.okta.com' } },
  });
  const ids = [];
  for (let index = 0; index < CHANGES; index += 1) {
    const { id } = await authpipe.importConnection({
      ...{ provider: 'okta', tenantId: 'org_acme', userId: `user_${index}` },
      credential: { accessToken: `token-${index}`, expiresAt: '2999-01-01T00:00:00Z' },
    });
    ids.push(id);
  }
  authpipe.close();
  return ids;
};

/** The event of a deletion, written and committed; answers the moment just before the commit was sent. */
const commitDeletion = async (db, connectionId) => {
  await db.query('BEGIN');
  await db.query(
    `INSERT INTO events (id, type, environment, connection_id, tenant_id, payload, time)
     SELECT $1, 'connection.deleted', environment, id, tenant_id, jsonb_build_object(
       'environment', environment, 'connectionId', id, 'integration', integration_id, 'provider', provider,
       'tenantId', tenant_id, 'owner', owner, 'userId', user_id, 'label', label, 'version', 1, 'status', status,
       'reason', reason, 'metadata', metadata), now()
     FROM connections WHERE id = $2`,
    [`evt_${randomBytes(16).toString('base64url')}`, connectionId],
  );
  const committedAt = performance.now();
  await db.query('COMMIT');
  return committedAt;
};

const measure = async (servers, databaseUrl, apiKey) => {
  const ids = await seed(servers[0].url, apiKey);
  let evicted = 0;
  let onEvict = () => {};
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const { url } = servers[index % SERVERS];
    const hooks = {
      evict: ({ reason }) => {
        if (reason === 'event') onEvict(performance.now());
      },
    };
    return new Authpipe({ apiKey, baseUrl: url, maxAgeSeconds: 3_600, hooks });
  });
  for (const client of clients) await client.getCredential({ connectionId: ids[0] });
  await until(() => clients.every(({ freshness }) => freshness === 'stream'));
  for (const client of clients) {
    await Promise.all(ids.map((connectionId) => client.getCredential({ connectionId })));
  }

  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  const millis = [];
  for (const id of ids) {
    const times = [];
    onEvict = (at) => {
      times.push(at);
      evicted += 1;
    };
    const committedAt = await commitDeletion(db, id);
    await until(() => times.length === CLIENTS);
    millis.push(...times.map((at) => at - committedAt));
    await delay(PAUSE_MILLIS);
  }
  await db.end();
  for (const client of clients) client.close();
  if (evicted !== CLIENTS * CHANGES) throw new Error(`${evicted} evictions of ${CLIENTS * CHANGES}.`);
  return millis.toSorted((one, other) => one - other);
};

const quantile = (sorted, part) => Number(sorted[Math.ceil(sorted.length * part) - 1].toFixed(1));

/**
 * @param adminUrl of a Postgres on which a database may be made
 * @returns {Promise<{ pushMillisP50: number, pushMillisP99: number, clients: number, servers: number, changes: number }>}
 */
export const measurePush = async (adminUrl) => {
  const databases = createDatabases(adminUrl);
  const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-bench-'));
  const servers = [];
  try {
    const { url: databaseUrl } = await databases.create();
    const apiKey = `ap_test_${randomBytes(32).toString('base64url')}`;
    const env = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      AUTHPIPE_DATA_DIR: dataDir,
      AUTHPIPE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      AUTHPIPE_API_KEY: apiKey,
      AUTHPIPE_URL: 'http://localhost:4600',
    };
    for (let index = 0; index < SERVERS; index += 1) servers.push(await startServer(env));
    const millis = await measure(servers, databaseUrl, apiKey);
    return {
      pushMillisP50: quantile(millis, 0.5),
      pushMillisP99: quantile(millis, 0.99),
      ...{ clients: CLIENTS, servers: SERVERS, changes: CHANGES },
    };
  } finally {
    for (const server of servers) await stop(server);
    await databases.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};
