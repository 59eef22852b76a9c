// `npm run bench -- sdk`: a warm `await authpipe.getCredential(ref)` against what one would write by hand, an awaited
// get from a bare lru-cache whose key is built from the three ids at each call. Both hold the same entries, read them
// in the same order and take turns in one process; the median round decides.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Authpipe } from '../packages/node/dist/index.js';

const require = createRequire(new URL('../packages/node/package.json', import.meta.url));
const { LRUCache } = require('lru-cache');

const ENTRIES = 10_000;
const WARM_UP_ROUNDS = 10;
const ROUNDS = 51;
/** How many misses are under way at once while the cache is filled. */
const FILLERS = 32;

const credentialOf = (userId, tenantId) => ({
  credential: `token-of-${userId}`,
  kind: 'oauth2',
  tokenType: 'Bearer',
  headers: { authorization: `Bearer token-of-${userId}` },
  expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  refreshAfter: new Date(Date.now() + 3_300_000).toISOString(),
  scopes: ['okta.users.read'],
  connectionId: `conn_${tenantId}_${userId}`,
  version: 1,
  status: 'healthy',
  reason: null,
  account: null,
  baseUrl: 'https://acme.okta.com',
});

let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  const query = new URL(request.url, 'http://localhost').searchParams;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(credentialOf(query.get('userId'), query.get('tenantId'))));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const authpipe = new Authpipe({
  apiKey: `ap_test_${'k'.repeat(43)}`,
  baseUrl: `http://127.0.0.1:${server.address().port}`,
  maxEntries: ENTRIES,
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

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

/** Nanoseconds per read of one round. */
const timed = async (round) => {
  const before = process.hrtime.bigint();
  const read = await round();
  const nanos = Number(process.hrtime.bigint() - before) / ENTRIES;
  if (read !== ENTRIES) throw new Error(`A round read ${read} of ${ENTRIES} credentials.`);
  return nanos;
};

let next = 0;
const fill = async () => {
  while (next < ENTRIES) {
    const index = next;
    next += 1;
    const tenantId = tenants[index];
    const userId = users[index];
    bare.set(
      `${provider}:${tenantId}:${userId}`,
      await authpipe.getCredential({ provider, tenantId, userId }),
    );
  }
};
await Promise.all(Array.from({ length: FILLERS }, fill));
const misses = requests;

for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
  await ours();
  await byHand();
}
const figures = { ours: [], byHand: [], ratio: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  // Who goes first changes with each round, so that neither always finds the caches of the processor warm.
  const first = round % 2 === 0 ? await timed(ours) : await timed(byHand);
  const second = round % 2 === 0 ? await timed(byHand) : await timed(ours);
  const [our, hand] = round % 2 === 0 ? [first, second] : [second, first];
  figures.ours.push(our);
  figures.byHand.push(hand);
  figures.ratio.push(our / hand);
}

const warmRatio = Number(median(figures.ratio).toFixed(3));
const line = (name, value) => console.log(`${name.padEnd(62)}${value.padStart(10)}`);
console.log(`Warm reads, ${ENTRIES.toLocaleString('en')} entries, median of ${ROUNDS} alternating rounds\n`);
line('await authpipe.getCredential({ provider, tenantId, userId })', `${median(figures.ours).toFixed(0)} ns`);
line('await lruCache.get(key of provider, tenantId and userId)', `${median(figures.byHand).toFixed(0)} ns`);
line('warmRatio: ours over by hand (lower is better, 1.0 is par)', warmRatio.toFixed(2));
line('requests to the server: to fill the cache, while measuring', `${misses}, ${requests - misses}`);
console.log(JSON.stringify({ bench: 'sdk', warmRatio }));

authpipe.close();
server.close();
server.closeAllConnections();
if (requests !== misses) process.exitCode = 1;
