// `npm run bench -- read`: the server's credential read (key check, one statement, decryption, the whole HTTP stack)
// against a bare Express route that does one SELECT with pg. Both run at once, as processes of their own, on the same
// Postgres; rounds alternate, so that a noisy machine is noisy to both.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROUNDS = 15;
const ROUND_MILLIS = 700;
const CONNECTIONS = 16;

const databaseUrl = process.env.AUTHPIPE_TEST_DATABASE_URL;
if (!databaseUrl) {
  console.error(
    'The read benchmark needs a real Postgres: install its server, or set AUTHPIPE_TEST_DATABASE_URL.',
  );
  process.exit(1);
}

const apiKey = `ap_test_${randomBytes(32).toString('base64url')}`;
const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-bench-'));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
const env = {
  ...process.env,
  DATABASE_URL: databaseUrl,
  AUTHPIPE_DATA_DIR: dataDir,
  AUTHPIPE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  AUTHPIPE_API_KEY: apiKey,
  AUTHPIPE_URL: 'http://localhost:4600',
};

const startSide = async (side) => {
  const entry = join(import.meta.dirname, '..', 'apps', 'server', 'bench', 'read-server.ts');
  const args = ['--conditions=authpipe:source', '--import', 'tsx', entry, side];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.once('exit', (code) => {
    console.error(`The ${side} side ended (${code}): see above.`);
    process.exit(1);
  });
  const [{ port }] = await once(child, 'message');
  return { child, port, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) };
};

const call = ({ port, agent }, { method = 'GET', path, body }) =>
  new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${apiKey}`,
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    };
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });

/** Answers per second of one round. */
const measure = async (side, path) => {
  const endAt = performance.now() + ROUND_MILLIS;
  const startedAt = performance.now();
  let answers = 0;
  const worker = async () => {
    while (performance.now() < endAt) {
      const { status } = await call(side, { path });
      if (status !== 200) throw new Error(`status ${status}`);
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return (answers * 1000) / (performance.now() - startedAt);
};

const statementsOf = async ({ child }) => {
  child.send('statements');
  const [{ statements }] = await once(child, 'message');
  return statements;
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const authpipe = await startSide('authpipe');
const bare = await startSide('bare');
const set = await call(authpipe, {
  method: 'PUT',
  path: '/v1/integrations/okta',
  body: { clientId: 'bench', clientSecret: 'bench', config: { domain: 'bench.okta.com' } },
});
if (set.status >= 300) throw new Error(set.text);
const imported = await call(authpipe, {
  method: 'POST',
  path: '/v1/connections',
  body: {
    provider: 'okta',
    tenantId: 'org_acme',
    userId: 'user_123',
    credential: { accessToken: randomBytes(500).toString('base64url'), expiresAt: '2999-01-01T00:00:00Z' },
  },
});
if (imported.status >= 300) throw new Error(imported.text);
const { id } = JSON.parse(imported.text);
const readPath = '/v1/credentials?provider=okta&tenantId=org_acme&userId=user_123';
const barePath = `/?connectionId=${id}`;

await measure(authpipe, readPath);
await measure(bare, barePath);
const before = await statementsOf(authpipe);
const READS = 200;
for (let read = 0; read < READS; read += 1) await call(authpipe, { path: readPath });
const sqlPerRead = ((await statementsOf(authpipe)) - before) / READS;

const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const ours = await measure(authpipe, readPath);
  const theirs = await measure(bare, barePath);
  rounds.push({ ours, theirs, ratio: ours / theirs });
}
const throughputRatio = Number(median(rounds.map(({ ratio }) => ratio)).toFixed(3));
console.log('A credential read against a bare Express route with one SELECT (higher is better, 1.0 is par)');
console.table({
  'authpipe: GET /v1/credentials': { 'median answers/s': Math.round(median(rounds.map(({ ours }) => ours))) },
  'bare: Express + pg, one SELECT': {
    'median answers/s': Math.round(median(rounds.map(({ theirs }) => theirs))),
  },
});
console.log(
  `median of ${ROUNDS} alternating rounds, ${CONNECTIONS} connections, one machine for load and servers`,
);
console.log(JSON.stringify({ bench: 'read', throughputRatio, sqlPerRead }));
process.exit(0);
