// `npm run bench -- read`: the server's credential read against the simplest thing that could do the job: a bare Express
// route behind the same middleware that SELECTs a token kept in plain text and answers a body of the same size. Each is a
// process of its own, on a fresh database of the same Postgres; rounds alternate, so that a noisy machine is noisy to both.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabases } from './support/databases.mjs';

const ROUNDS = 25;
const ROUND_MILLIS = 700;
const CONNECTIONS = 16;
/** So many that neighbouring reads are about different ones. */
const OWNERS = 500;
/** Reads whose statements are counted. */
const COUNTED_READS = 1_000;

const serverFolder = join(import.meta.dirname, '..', 'apps', 'server');

const adminUrl = process.env.AUTHPIPE_TEST_DATABASE_URL;
if (!adminUrl) {
  console.error(
    'The read benchmark needs a real Postgres: install its server, or set AUTHPIPE_TEST_DATABASE_URL.',
  );
  process.exit(1);
}

const databases = createDatabases(adminUrl);
const { url: databaseUrl } = await databases.create();
const apiKey = `ap_test_${randomBytes(32).toString('base64url')}`;
const accessToken = randomBytes(500).toString('base64url');
const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-bench-'));
const env = {
  ...process.env,
  DATABASE_URL: databaseUrl,
  AUTHPIPE_DATA_DIR: dataDir,
  AUTHPIPE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  AUTHPIPE_API_KEY: apiKey,
  AUTHPIPE_URL: 'http://localhost:4600',
  BENCH_ACCESS_TOKEN: accessToken,
  BENCH_OWNERS: String(OWNERS),
};
const ownerOf = (number) => ({ provider: 'okta', tenantId: `org_${number % 20}`, userId: `user_${number}` });
const paths = Array.from(
  { length: OWNERS },
  (_, number) => `/v1/credentials?${new URLSearchParams(ownerOf(number))}`,
);

const children = [];
/** Starts a side; what it tells first is its port. */
const startSide = async (side) => {
  const args = ['--conditions=authpipe:source', '--import', 'tsx', join('bench', 'read-server.ts'), side];
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const child = spawn(process.execPath, args, { cwd: serverFolder, env, stdio });
  children.push(child);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The ${side} side ended (${code}): see above.`);
  });
  const [{ port }] = await Promise.race([once(child, 'message'), ended]);
  // From now on a side that ends shows in the calls to it.
  ended.catch(() => {});
  return { child, port, answersUnderLoad: 0, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) };
};

const stopSides = () =>
  Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }),
  );

let reads = 0;
/** The same owners in the same turn for both sides. */
const nextPath = () => {
  reads += 1;
  return paths[reads % OWNERS];
};

const call = ({ port, agent }, { method = 'GET', path = nextPath(), body } = {}) =>
  new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${apiKey}`,
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    };
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode < 300) resolve(text);
        else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });

/** Answers per second of one round; adds them to what the side has answered under load. */
const measure = async (side) => {
  const startedAt = performance.now();
  let answers = 0;
  const worker = async () => {
    while (performance.now() < startedAt + ROUND_MILLIS) {
      await call(side);
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  side.answersUnderLoad += answers;
  return (answers * 1000) / (performance.now() - startedAt);
};

const statementsOf = async ({ child }) => {
  const told = once(child, 'message');
  child.send('statements');
  const [{ statements }] = await told;
  return statements;
};

/** To two decimals: the API key is looked up again every four seconds, whatever the number of reads. */
const statementsPerRead = async (side) => {
  const before = await statementsOf(side);
  for (let read = 0; read < COUNTED_READS; read += 1) await call(side);
  return Number((((await statementsOf(side)) - before) / COUNTED_READS).toFixed(2));
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const compare = async () => {
  const authpipe = await startSide('authpipe');
  const bare = await startSide('bare');
  await call(authpipe, {
    method: 'PUT',
    path: '/v1/integrations/okta',
    body: { clientId: 'bench', clientSecret: 'bench', config: { domain: 'bench.okta.com' } },
  });
  for (let number = 0; number < OWNERS; number += 1) {
    await call(authpipe, {
      method: 'POST',
      path: '/v1/connections',
      body: { ...ownerOf(number), credential: { accessToken, expiresAt: '2999-01-01T00:00:00Z' } },
    });
  }
  const bodyBytes = { authpipe: (await call(authpipe)).length, bare: (await call(bare)).length };

  const sql = { authpipe: await statementsPerRead(authpipe), bare: await statementsPerRead(bare) };
  for (const side of [authpipe, bare, authpipe, bare]) await measure(side);
  authpipe.answersUnderLoad = 0;
  bare.answersUnderLoad = 0;
  const before = { authpipe: await statementsOf(authpipe), bare: await statementsOf(bare) };
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ours = await measure(authpipe);
    const theirs = await measure(bare);
    rounds.push({ ours, theirs, ratio: ours / theirs });
  }
  const underLoad = async (side, name) =>
    Number((((await statementsOf(side)) - before[name]) / side.answersUnderLoad).toFixed(2));
  const sqlUnderLoad = {
    authpipe: await underLoad(authpipe, 'authpipe'),
    bare: await underLoad(bare, 'bare'),
  };
  const row = (side, rates) => ({
    'median answers/s': Math.round(median(rates)),
    'statements per read': sql[side],
    'under load': sqlUnderLoad[side],
    'body bytes': bodyBytes[side],
  });
  console.log('A credential read against the simplest thing that could do the job (1.0 is par)');
  console.table({
    'authpipe: GET /v1/credentials, key check, decryption': row(
      'authpipe',
      rounds.map(({ ours }) => ours),
    ),
    'bare: Express + pg, one SELECT of a plain-text token': row(
      'bare',
      rounds.map(({ theirs }) => theirs),
    ),
  });
  console.log(
    `median ratio of ${ROUNDS} alternating rounds, ${CONNECTIONS} connections, one machine for load, servers and Postgres`,
  );
  const throughputRatio = Number(median(rounds.map(({ ratio }) => ratio)).toFixed(3));
  return { bench: 'read', throughputRatio, sqlPerRead: sql.authpipe };
};

try {
  console.log(JSON.stringify(await compare()));
} finally {
  await stopSides();
  await databases.drop();
  rmSync(dataDir, { recursive: true, force: true });
}
