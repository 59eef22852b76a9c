// `npm run bench -- refresh`: (a) what finding and claiming 500 due refreshes costs among 10,000 connections and among
// 1,000,000; (b) refreshes per second of two server processes against a plain loop of token requests, on one provider
// that takes 50 ms; (c) whether any refresh token was sent twice; (d) whether a server's memory grows with the number of
// connections. All on one machine, with databases of its own on a real Postgres.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabases } from './support/databases.mjs';
import { createProcesses } from './support/processes.mjs';

const SIZES = [10_000, 1_000_000];
/** Due at once, in both. */
const DUE = 500;
const CONNECTIONS = 2_500;
const SERVERS = 2;
/** Token requests under way at once, in total. */
const CONCURRENCY = 64;
const ROUNDS = 7;
const MEMORY_PROCESSES = 3;
const MEMORY_ROUNDS = 4;
/** On a busy machine there are fewer rounds, and at least so many. */
const LEAST_ROUNDS = 3;
const THROUGHPUT_SECONDS = 120;
const TOTAL_SECONDS = 300;

const adminUrl = process.env.AUTHPIPE_TEST_DATABASE_URL;
if (!adminUrl) {
  console.error(
    'The refresh benchmark needs a real Postgres: install its server, or set AUTHPIPE_TEST_DATABASE_URL.',
  );
  process.exit(1);
}

const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-bench-'));
const databases = createDatabases(adminUrl);
const processes = createProcesses({
  env: {
    ...process.env,
    NODE_ENV: 'development',
    AUTHPIPE_DATA_DIR: dataDir,
    AUTHPIPE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    AUTHPIPE_API_KEY: 'ap_test_benchmarkbenchmarkbenchmark',
    AUTHPIPE_URL: 'http://localhost:4600',
    AUTHPIPE_DEV_ALLOW_LOOPBACK: '1',
    BENCH_CONCURRENCY: String(CONCURRENCY / SERVERS),
  },
});
const started = performance.now();
const secondsSoFar = () => (performance.now() - started) / 1000;
const progress = (sentence) => console.log(`${secondsSoFar().toFixed(0).padStart(4)} s  ${sentence}`);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const inWords = (number) => number.toLocaleString('en');
const timed = async (work) => {
  const before = performance.now();
  await work();
  return (performance.now() - before) / 1000;
};

const startServer = (database) => processes.start('refresh-server.ts', { DATABASE_URL: database.url });

/** Makes the connections that were taken in, and no others, due as if they had come due by and by. */
const makeDue = (database, ids) =>
  database.query(
    `UPDATE credentials SET refresh_at = now() - random() * interval '5 seconds' WHERE connection_id = ANY ($1)`,
    [ids],
  );

const idsIn = async (database) =>
  (await database.query('SELECT id FROM connections')).rows.map(({ id }) => id);

/** Connections that came through the API, with tokens that open and can be refreshed. */
const connect = async (database, domain, connections) => {
  const server = await startServer(database);
  await server.ask('connect', { domain, connections });
  await server.end();
  return idsIn(database);
};

const fill = async (size, domain) => {
  const database = await databases.create();
  progress(`${inWords(size)} connections: filling`);
  const ids = await connect(database, domain, DUE);
  const filler = await processes.start('claim-cost.ts', { DATABASE_URL: database.url });
  await filler.ask('fill', { connections: size, due: DUE });
  progress(`${inWords(size)} connections: claiming ${DUE}`);
  const claim = await filler.ask('measure', DUE);
  await filler.end();
  // From here on only connections that can be refreshed are due.
  await database.query(
    `UPDATE credentials SET refresh_at = now() + interval '1 hour' WHERE refresh_at <= now()`,
  );
  await database.query('VACUUM credentials');
  return { size, database, ids, claim };
};

/** Memory of a fresh process after some rounds of refreshes. */
const memoryOf = async ({ database, ids }) => {
  const server = await startServer(database);
  for (let round = 0; round < MEMORY_ROUNDS; round += 1) {
    await makeDue(database, ids);
    await server.ask('sweep');
  }
  const usage = await server.ask('usage');
  await server.end();
  return usage;
};

const measureScale = async (domain) => {
  const filled = [];
  for (const size of SIZES) filled.push(await fill(size, domain));
  const memory = filled.map(() => []);
  for (let turn = 0; turn < MEMORY_PROCESSES && (turn === 0 || secondsSoFar() < TOTAL_SECONDS); turn += 1) {
    progress(`memory of a process that refreshes, ${turn + 1} of ${MEMORY_PROCESSES}`);
    for (const [place, database] of filled.entries()) memory[place].push(await memoryOf(database));
  }
  // What chance adds to a process's memory it never takes away: the smallest says most.
  const least = (usages, name) => Number(Math.min(...usages.map((usage) => usage[name])).toFixed(1));
  const rows = filled.map(({ size, claim }, place) => ({
    connections: inWords(size),
    'buffers of the claim': claim.buffers,
    'claim, ms': Number(claim.millis.toFixed(1)),
    'RSS, MiB': least(memory[place], 'rssMiB'),
    'heap, MiB': least(memory[place], 'heapMiB'),
  }));
  console.log(
    `\nFinding and claiming ${DUE} due refreshes, and a process's memory after ${MEMORY_ROUNDS * DUE}`,
  );
  console.table(rows);
  const [small, large] = rows;
  return {
    claimRatio: Number((large['buffers of the claim'] / small['buffers of the claim']).toFixed(3)),
    rssGrowthMiB: Number((large['RSS, MiB'] - small['RSS, MiB']).toFixed(1)),
  };
};

const measureThroughput = async (provider, domain) => {
  const database = await databases.create();
  progress(`${inWords(CONNECTIONS)} connections: connecting`);
  const ids = await connect(database, domain, CONNECTIONS);
  await database.query('VACUUM (ANALYZE)');
  const servers = await Promise.all(Array.from({ length: SERVERS }, () => startServer(database)));
  const plain = await processes.start('plain-refresh.ts');
  await plain.ask('prepare', CONNECTIONS);
  await provider.ask('counts');
  let duplicates = 0;

  const counted = async (work) => {
    const seconds = await timed(work);
    const counts = await provider.ask('counts');
    duplicates += counts.duplicates;
    if (counts.requests - counts.duplicates !== CONNECTIONS) {
      throw new Error(`${counts.requests} token requests were made for ${CONNECTIONS} connections.`);
    }
    if (counts.peak > CONCURRENCY) throw new Error(`${counts.peak} requests were under way at once.`);
    return { rate: CONNECTIONS / seconds, peak: counts.peak };
  };
  const ours = async () => {
    await makeDue(database, ids);
    await database.query('VACUUM credentials, connections');
    return counted(() => Promise.all(servers.map((server) => server.ask('sweep'))));
  };
  const plainly = () =>
    counted(() => plain.ask('run', { url: `http://${domain}/oauth2/v1/token`, concurrency: CONCURRENCY }));
  const usage = async () => {
    const all = await Promise.all(servers.map((server) => server.ask('usage')));
    const sum = (name) => all.reduce((total, one) => total + one[name], 0);
    return {
      statements: sum('statements'),
      cpuMillis: sum('cpuMillis'),
      plainCpu: await plain.ask('cpuMillis'),
    };
  };

  progress('refreshing: warming up');
  await ours();
  await plainly();
  const before = await usage();
  const rounds = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    if (round > LEAST_ROUNDS && secondsSoFar() > THROUGHPUT_SECONDS) break;
    const our = await ours();
    const their = await plainly();
    rounds.push({ our, their, ratio: our.rate / their.rate });
    progress(
      `refreshing, round ${round} of ${ROUNDS}: ${our.rate.toFixed(0)}/s against ${their.rate.toFixed(0)}/s`,
    );
  }
  const after = await usage();
  const { rows } = await database.query(
    `SELECT count(*)::int AS wrong FROM connections c JOIN credentials k ON k.connection_id = c.id
     WHERE c.status <> 'healthy' OR k.version <> $1`,
    [rounds.length + 2],
  );
  if (rows[0].wrong > 0) throw new Error(`${rows[0].wrong} connections were not refreshed in every round.`);

  const perRefresh = (name) =>
    Number(((after[name] - before[name]) / (rounds.length * CONNECTIONS)).toFixed(2));
  const row = (side, cpu, statements) => ({
    'median refreshes/s': Math.round(median(rounds.map((round) => round[side].rate))),
    'most under way': Math.max(...rounds.map((round) => round[side].peak)),
    'statements per refresh': statements,
    'CPU per refresh, ms': cpu,
  });
  console.log(`\nRefreshing ${inWords(CONNECTIONS)} connections at a provider that takes 50 ms (1.0 is par)`);
  console.table({
    [`authpipe: ${SERVERS} processes, claim, vault, token request, fenced write, event`]: row(
      'our',
      perRefresh('cpuMillis'),
      perRefresh('statements'),
    ),
    'plain: one process, a loop of token requests': row('their', perRefresh('plainCpu'), 0),
  });
  console.log(
    `median ratio of ${rounds.length} alternating rounds, one machine for servers, Postgres and provider\n`,
  );
  return { throughputRatio: Number(median(rounds.map(({ ratio }) => ratio)).toFixed(3)), duplicates };
};

let cleaning;
/** Once, whoever asks first: the end of the work, or a signal, whose end of processes ends the work too. */
const cleanUp = () => {
  cleaning ??= (async () => {
    await processes.end();
    await databases.drop();
    rmSync(dataDir, { recursive: true, force: true });
  })();
  return cleaning;
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => cleanUp().finally(() => process.exit(130)));
}
try {
  const provider = await processes.start('token-provider.ts');
  const domain = await provider.ask('domain');
  const { throughputRatio, duplicates } = await measureThroughput(provider, domain);
  const { claimRatio, rssGrowthMiB } = await measureScale(domain);
  console.log(JSON.stringify({ bench: 'refresh', claimRatio, throughputRatio, duplicates, rssGrowthMiB }));
  if (duplicates > 0) process.exitCode = 1;
} finally {
  await cleanUp();
}
