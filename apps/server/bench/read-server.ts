// One side of the read benchmark, as a process of its own: `authpipe` (the whole HTTP stack and vault, without jobs) or
// `bare` (an Express route that does one SELECT with pg). Tells its port over IPC, and how many statements it sent.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import pg from 'pg';
import { createApiKeys } from '../src/access/api-key-store.js';
import { systemClock } from '../src/clock.js';
import { compose } from '../src/compose.js';
import { readConfig } from '../src/config/read-config.js';
import type { Database } from '../src/db/database.js';
import { openDatabase } from '../src/db/open-database.js';
import { createLogger } from '../src/log/logger.js';
import { systemRandomness } from '../src/randomness.js';
import { systemSleep } from '../src/sleep.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';

const [, , side] = process.argv;
let statements = 0;

/** Counts at the driver, where nothing can hide: hot paths, and what Prisma sends. */
const countStatements = (db: Database): void => {
  if (db.driver.kind !== 'postgres') return;
  db.driver.pool.on('connect', (client) => {
    const query = client.query.bind(client);
    client.query = ((...call: Parameters<typeof query>) => {
      statements += 1;
      return query(...call);
    }) as typeof client.query;
  });
};

const authpipe = async () => {
  const config = readConfig(process.env);
  const log = createLogger('warn');
  const db = await openDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, log });
  countStatements(db);
  const common = { clock: systemClock, randomness: systemRandomness };
  const vault = await openVault({ db, rootKeys: (config.encryptionKeys ?? []).map(rootKeyOf), ...common });
  const apiKeys = createApiKeys({ db, ...common });
  if (config.bootApiKey !== undefined) await apiKeys.ensureBootKey(config.bootApiKey);
  const webFolder = '/nowhere';
  return compose({
    config,
    db,
    vault,
    apiKeys,
    ...common,
    sleep: systemSleep,
    log,
    version: 'bench',
    webFolder,
  }).app;
};

const bare = async () => {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  const app = express();
  app.get('/', async (request, response) => {
    const { rows } = await pool.query({
      name: 'one',
      text: 'SELECT * FROM credentials WHERE connection_id = $1',
      values: [request.query.connectionId],
    });
    response.json({ version: rows[0].version, expiresAt: rows[0].expires_at });
  });
  return app;
};

const server = createServer(side === 'authpipe' ? await authpipe() : await bare());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ statements }));
process.on('disconnect', () => process.exit(0));
