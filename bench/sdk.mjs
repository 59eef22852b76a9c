// `npm run bench -- sdk`: a warm read of the client against what one would write by hand, a get from a bare lru-cache
// whose key is built from the three ids at each call, awaited and not; what a miss of many, an entry and an HTTP call
// cost. Both sides hold the same entries, read them in the same order and take turns in one process; the median round
// decides.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { Authpipe } from '../packages/node/dist/index.js';
import { startCredentialServer } from './support/credential-server.mjs';
import { measurePush } from './support/measure-push.mjs';

const require = createRequire(new URL('../packages/node/package.json', import.meta.url));
const { LRUCache } = require('lru-cache');

const ENTRIES = 10_000;
const WARM_UP_ROUNDS = 10;
const ROUNDS = 51;
/** How many misses are under way at once while the cache is filled. */
const FILLERS = 1_000;
const CONCURRENT_MISSES = 10_000;
const HTTP_ROUNDS = 25;
const HTTP_CALLS = 200;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const server = await startCredentialServer();
const authpipe = new Authpipe({
  apiKey: `ap_test_${'k'.repeat(43)}`,
  baseUrl: server.url,
  maxEntries: ENTRIES + 1,
  maxAgeSeconds: 3_600,
});
const bare = new LRUCache({ max: ENTRIES });
const tenants = Array.from({ length: ENTRIES }, (_, index) => `org_${index % 500}`);
const users = Array.from({ length: ENTRIES }, (_, index) => `user_${index}`);
const provider = 'okta';

const ours = async () => {
  let read = 0;
  for (let index = 0; index < ENTRIES; index += 1) {
    const { version } = await authpipe.getCredential({
      provider,
      tenantId: tenants[index],
      userId: users[index],
    });
    read += version;
  }
  return read;
};

const byHand = async () => {
  let read = 0;
  for (let index = 0; index < ENTRIES; index += 1) {
    const { version } = await bare.get(`${provider}:${tenants[index]}:${users[index]}`);
    read += version;
  }
  return read;
};

const oursSync = () => {
  let read = 0;
  for (let index = 0; index < ENTRIES; index += 1) {
    const { version } = authpipe.getCredentialSync({
      provider,
      tenantId: tenants[index],
      userId: users[index],
    });
    read += version;
  }
  return read;
};

const byHandSync = () => {
  let read = 0;
  for (let index = 0; index < ENTRIES; index += 1) {
    const { version } = bare.get(`${provider}:${tenants[index]}:${users[index]}`);
    read += version;
  }
  return read;
};

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

/** Nanoseconds per read of one round. */
const timed = async (round) => {
  const before = process.hrtime.bigint();
  const pending = round();
  const read = typeof pending === 'number' ? pending : await pending;
  const nanos = Number(process.hrtime.bigint() - before) / ENTRIES;
  if (read !== ENTRIES) throw new Error(`A round read ${read} of ${ENTRIES} credentials.`);
  return nanos;
};

const compare = async (our, hand) => {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    await our();
    await hand();
  }
  const figures = { ours: [], byHand: [], ratio: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    // Who goes first changes with each round, so that neither always finds the caches of the processor warm.
    const first = round % 2 === 0 ? await timed(our) : await timed(hand);
    const second = round % 2 === 0 ? await timed(hand) : await timed(our);
    const [mine, theirs] = round % 2 === 0 ? [first, second] : [second, first];
    figures.ours.push(mine);
    figures.byHand.push(theirs);
    figures.ratio.push(mine / theirs);
  }
  return {
    ours: median(figures.ours),
    byHand: median(figures.byHand),
    ratio: Number(median(figures.ratio).toFixed(3)),
  };
};

/** Bytes of heap that an entry takes, its credential included. */
const fill = async () => {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let start = 0; start < ENTRIES; start += FILLERS) {
    const chunk = Array.from({ length: FILLERS }, (_, place) => start + place);
    await Promise.all(
      chunk.map((index) =>
        authpipe.getCredential({ provider, tenantId: tenants[index], userId: users[index] }),
      ),
    );
  }
  collectGarbage();
  return Math.round((process.memoryUsage().heapUsed - before) / ENTRIES);
};

const fillBare = () => {
  for (let index = 0; index < ENTRIES; index += 1) {
    const [tenantId, userId] = [tenants[index], users[index]];
    bare.set(`${provider}:${tenantId}:${userId}`, authpipe.getCredentialSync({ provider, tenantId, userId }));
  }
};

/** Requests that concurrent misses of one key make. */
const coalesce = async () => {
  const before = server.requests();
  const ref = { provider, tenantId: 'org_new', userId: 'user_new' };
  await Promise.all(Array.from({ length: CONCURRENT_MISSES }, () => authpipe.getCredential({ ...ref })));
  return server.requests() - before;
};

/** Nanoseconds of one call over a connection that stays open, to a server that answers at once, on a thread of its own. */
const measureHttp = async () => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:http').createServer((_request, response) => response.end('{}'));
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  const [port] = await once(worker, 'message');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = () =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent }, (response) => response.resume().on('end', resolve)).on(
        'error',
        reject,
      );
    });
  const rounds = [];
  for (let round = -3; round < HTTP_ROUNDS; round += 1) {
    const before = process.hrtime.bigint();
    for (let made = 0; made < HTTP_CALLS; made += 1) await call();
    if (round >= 0) rounds.push(Number(process.hrtime.bigint() - before) / HTTP_CALLS);
  }
  agent.destroy();
  await worker.terminate();
  return median(rounds);
};

const bytesPerEntry = await fill();
const misses = server.requests();
fillBare();
const warm = await compare(ours, byHand);
const sync = await compare(oursSync, byHandSync);
const whileMeasuring = server.requests() - misses;
const coalescedRequests = await coalesce();
const httpNanos = await measureHttp();
const httpSpeedup = Math.round(httpNanos / warm.ours);

const line = (name, value) => console.log(`${name.padEnd(66)}${value.padStart(10)}`);
const nanos = (value) => `${value.toFixed(0)} ns`;
console.log(`Warm reads, ${ENTRIES.toLocaleString('en')} entries, median of ${ROUNDS} alternating rounds\n`);
line('await authpipe.getCredential({ provider, tenantId, userId })', nanos(warm.ours));
line('await lruCache.get(key of provider, tenantId and userId)', nanos(warm.byHand));
line('warmRatio: ours over by hand (lower is better, 1.0 is par)', warm.ratio.toFixed(2));
line('authpipe.getCredentialSync({ provider, tenantId, userId })', nanos(sync.ours));
line('lruCache.get(key of provider, tenantId and userId)', nanos(sync.byHand));
line('syncRatio: the same without promises', sync.ratio.toFixed(2));
line('requests to the server: to fill the cache, while measuring', `${misses}, ${whileMeasuring}`);
line(
  `requests for ${CONCURRENT_MISSES.toLocaleString('en')} concurrent misses of one key`,
  `${coalescedRequests}`,
);
line('heap per entry, its credential included', `${bytesPerEntry} B`);
line('an HTTP call over an open connection on loopback', nanos(httpNanos));
line('httpSpeedup: that over an awaited warm read', `${httpSpeedup}`);

const adminUrl = process.env.AUTHPIPE_TEST_DATABASE_URL;
if (!adminUrl) {
  console.error(
    'How fast a change is pushed needs a real Postgres: install its server, or set AUTHPIPE_TEST_DATABASE_URL.',
  );
  process.exit(1);
}
const { pushMillisP50, pushMillisP99, ...pushed } = await measurePush(adminUrl);
line(
  `push: commit to eviction, ${pushed.clients} clients of ${pushed.servers} servers, ${pushed.changes} changes (p50, p99)`,
  `${pushMillisP50}, ${pushMillisP99} ms`,
);

console.log(
  JSON.stringify({
    bench: 'sdk',
    warmRatio: warm.ratio,
    syncRatio: sync.ratio,
    coalescedRequests,
    pushMillisP50,
    pushMillisP99,
    bytesPerEntry,
    httpSpeedup,
  }),
);

authpipe.close();
server.stop();
if (whileMeasuring > 0 || coalescedRequests !== 1) process.exitCode = 1;
