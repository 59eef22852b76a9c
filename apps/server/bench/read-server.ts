// One side of the read benchmark, as a process of its own: `authpipe` (the whole HTTP stack and vault, without jobs) or
// `bare` (an Express route that does one SELECT with pg). Tells its port over IPC, and how many statements it sent.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, Router } from 'express';
import pg from 'pg';
import { systemSteadyMillis } from '../src/db/steady-millis.js';
import { requestLog } from '../src/http/request-log.js';
import { createLogger } from '../src/log/logger.js';
import { createMetrics } from '../src/metrics/create-metrics.js';
import { systemRandomness } from '../src/randomness.js';
import { composeServer } from './composed-server.js';
import { countStatements } from './count-statements.js';

const [, , side] = process.argv;
const statements = countStatements();

/** What the server has before its routes: request ids, the count of answers, `no-store`. */
const withServersMiddleware = (): { app: Express; router: Router } => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  const { observeHttpRequest: observe } = createMetrics();
  const log = createLogger('error');
  app.use(requestLog({ log, randomness: systemRandomness, monotonicMillis: systemSteadyMillis, observe }));
  const router = Router();
  router.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  app.use('/v1', router);
  return { app, router };
};

/**
 * The simplest thing that could do the job behind the same middleware: a token in plain text, found by its owner with one
 * prepared SELECT, no key check. It answers the token as the server does, as a string and as a header, so that both
 * bodies are of about one size.
 */
const bare = async () => {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query(`CREATE TABLE bare_tokens (provider text, tenant_id text, user_id text, access_token text NOT NULL,
    token_type text NOT NULL, expires_at timestamptz, scopes text[] NOT NULL, base_url text NOT NULL,
    PRIMARY KEY (provider, tenant_id, user_id))`);
  await pool.query(
    `INSERT INTO bare_tokens
      SELECT 'okta', 'org_' || number % 20, 'user_' || number, $1, 'Bearer', '2999-01-01T00:00:00Z', '{}',
        'https://bench.okta.com'
      FROM generate_series(0, $2::int - 1) AS number`,
    [process.env.BENCH_ACCESS_TOKEN, process.env.BENCH_OWNERS],
  );
  const { app, router } = withServersMiddleware();
  router.get('/credentials', async (request, response) => {
    const { provider, tenantId, userId } = request.query;
    const { rows } = await pool.query({
      name: 'token',
      text: 'SELECT * FROM bare_tokens WHERE provider = $1 AND tenant_id = $2 AND user_id = $3',
      values: [provider, tenantId, userId],
    });
    const [row] = rows;
    response.json({
      credential: row.access_token,
      tokenType: row.token_type,
      headers: { authorization: `${row.token_type} ${row.access_token}` },
      expiresAt: row.expires_at,
      scopes: row.scopes,
      tenantId: row.tenant_id,
      userId: row.user_id,
      provider: row.provider,
      baseUrl: row.base_url,
    });
  });
  return app;
};

const server = createServer(side === 'authpipe' ? (await composeServer(process.env)).app : await bare());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ statements: statements() }));
process.on('disconnect', () => process.exit(0));
