import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type CredentialRef } from '../src/index.js';
import {
  type Answer,
  API_KEY,
  batchOf,
  credential,
  HttpServer,
  problem,
  type Received,
} from './http-server.js';
import { ManualClock } from './manual-clock.js';

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const userRef = (userId: string): CredentialRef => ({ provider: 'okta', tenantId: 'org_acme', userId });
const ofUser = (userId = ''): Answer => ({
  json: credential({ connectionId: `conn_${userId}`, credential: `token-of-${userId}` }),
});

/** Answers one and many alike. */
const answerEach = (answer: (ref: Readonly<Record<string, string>>) => Answer) => {
  server.answer = (request: Received) =>
    request.method === 'POST' ? batchOf(request, answer) : answer(Object.fromEntries(request.query));
};

const lines = () => server.requests.map(({ method, path }) => `${method} ${path}`);

describe('misses for many keys within a tick', () => {
  it('make one request, and each caller gets its own', async () => {
    answerEach(({ userId }) => ofUser(userId));
    const refs = Array.from({ length: 40 }, (_, index) => userRef(`user_${index}`));
    const found = await Promise.all(refs.map((ref) => client.getCredential(ref)));
    expect(found.map(({ credential: token }) => token)).toEqual(
      refs.map(({ userId }) => `token-of-${userId}`),
    );
    expect(lines()).toEqual(['POST /v1/credentials/batch']);
    expect(server.requests[0]?.body).toEqual({ credentials: refs });
    for (const ref of refs) expect(client.getCredentialSync(ref)).toBeDefined();
  });

  it('hold at most a hundred each', async () => {
    answerEach(({ userId }) => ofUser(userId));
    await Promise.all(
      Array.from({ length: 250 }, (_, index) => client.getCredential(userRef(`user_${index}`))),
    );
    const sizes = server.requests.map(({ body }) => (body as { credentials: unknown[] }).credentials.length);
    expect(sizes.toSorted((one, other) => other - one)).toEqual([100, 100, 50]);
  });

  it('ask once for a key that many want', async () => {
    answerEach(({ userId }) => ofUser(userId));
    const read = (userId: string) => client.getCredential(userRef(userId));
    await Promise.all(['a', 'b', 'a', 'b', 'a'].map(read));
    expect(server.requests[0]?.body).toEqual({ credentials: [userRef('a'), userRef('b')] });
    expect(server.requests).toHaveLength(1);
  });

  it('are one GET where there is only one', async () => {
    answerEach(({ userId }) => ofUser(userId));
    await client.getCredential(userRef('a'));
    expect(lines()).toEqual(['GET /v1/credentials']);
  });
});

describe('of a batch', () => {
  it('one that fails does not fail the others', async () => {
    answerEach(({ userId }) =>
      userId === 'b'
        ? problem(409, 'needs_reconnect', { connectionId: 'conn_b', reason: 'revoked' })
        : ofUser(userId),
    );
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((userId) => client.getCredential(userRef(userId))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
      name: 'AuthpipeError',
      code: 'needs_reconnect',
      reason: 'revoked',
      connectionId: 'conn_b',
      status: 409,
      requestId: 'req_1',
    });
    expect(server.requests).toHaveLength(1);
  });

  it('one with a passing trouble is tried again by itself, with backoff', async () => {
    let failures = 0;
    answerEach(({ userId }) => {
      if (userId !== 'b' || failures === 1) return ofUser(userId);
      failures += 1;
      return problem(503, 'provider_unavailable', { retryable: true });
    });
    const found = await Promise.all(['a', 'b', 'c'].map((userId) => client.getCredential(userRef(userId))));
    expect(found.map(({ connectionId }) => connectionId)).toEqual(['conn_a', 'conn_b', 'conn_c']);
    expect(lines()).toEqual(['POST /v1/credentials/batch', 'GET /v1/credentials']);
    expect(clock.slept.length).toBeGreaterThan(0);
  });

  it('one that is no credential fails alone', async () => {
    answerEach(({ userId }) => (userId === 'b' ? { json: { hello: 'world' } } : ofUser(userId)));
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map((userId) => client.getCredential(userRef(userId))),
    );
    expect(outcomes[0]?.status).toBe('fulfilled');
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
      code: 'server_unreachable',
      retryable: false,
    });
  });

  it('one that the server can not even read is found out by asking for each alone', async () => {
    server.answer = ({ method, query }) =>
      method === 'POST' || query.get('userId') === 'b'
        ? problem(400, 'invalid_request')
        : ofUser(query.get('userId') ?? '');
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((userId) => client.getCredential(userRef(userId))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('one whose caller gives up disturbs no other', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async (request) => {
      await held;
      return batchOf(request, ({ userId }) => ofUser(userId));
    };
    const giveUp = new AbortController();
    const one = client.getCredential(userRef('a'), { signal: giveUp.signal });
    const other = client.getCredential(userRef('b'));
    giveUp.abort(new Error('changed my mind'));
    await expect(one).rejects.toThrow('changed my mind');
    release();
    expect((await other).connectionId).toBe('conn_b');
  });
});

describe('a batch of which one takes too long', () => {
  const isHung = (userId = '') => userId.startsWith('hung');
  /** A server that does not answer before its slowest part; `ofHung` is what it first answers of that alone. */
  const answerSlowly = (ofHung: Answer) => {
    const asked = new Set<string>();
    server.answer = (request) => {
      if (request.method === 'GET') {
        const userId = request.query.get('userId') ?? '';
        if (!isHung(userId)) return ofUser(userId);
        const isFirst = !asked.has(userId);
        asked.add(userId);
        return isFirst ? ofHung : problem(503, 'provider_unavailable');
      }
      const { credentials } = request.body as { credentials: { userId: string }[] };
      if (credentials.some(({ userId }) => isHung(userId))) return 'hang';
      return batchOf(request, ({ userId }) => ofUser(userId));
    };
  };
  /** Each batch in a turn of its own. */
  const readInBatches = async (count: number) => {
    const reads: Promise<string>[] = [];
    for (let turn = 0; turn < count; turn += 1) {
      for (const userId of [`a${turn}`, `hung${turn}`, `b${turn}`])
        reads.push(
          client.getCredential(userRef(userId)).then(
            () => `${userId} read`,
            ({ code }) => `${userId} ${code}`,
          ),
        );
      await new Promise(setImmediate);
    }
    return Promise.all(reads);
  };
  const OUTCOMES = Array.from({ length: 6 }, (_, turn) => [
    `a${turn} read`,
    `hung${turn} provider_unavailable`,
    `b${turn} read`,
  ]).flat();

  beforeEach(() => {
    client.close();
    client = new Authpipe({
      apiKey: API_KEY,
      baseUrl: server.url,
      clock,
      timeoutMillis: 1_000,
      stream: false,
    });
  });

  it.each<[string, Answer]>([
    ['answered alone', problem(503, 'provider_unavailable')],
    ['late alone too', 'hang'],
  ])('is split, and all others get their own, however many batches there are: %s', async (_name, ofHung) => {
    answerSlowly(ofHung);
    expect(await readInBatches(6)).toEqual(OUTCOMES);
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(6);
  });

  it('is not split where there is something to fall back on', async () => {
    answerEach(({ userId }) => ofUser(userId));
    await Promise.all(['a', 'b'].map((userId) => client.getCredential(userRef(userId))));
    server.answer = () => 'hang';
    clock.advanceSeconds(61);
    const found = await Promise.all(['a', 'b'].map((userId) => client.getCredential(userRef(userId))));
    expect(found.map(({ connectionId }) => connectionId)).toEqual(['conn_a', 'conn_b']);
    expect(lines()).toEqual(Array(2).fill('POST /v1/credentials/batch'));
  });
});

describe('a batch that gets no answer', () => {
  it('is tried again as a whole, as it only reads', async () => {
    server.answer = (request) =>
      server.requests.length === 1 ? 'cut' : batchOf(request, ({ userId }) => ofUser(userId));
    await Promise.all(['a', 'b', 'c'].map((userId) => client.getCredential(userRef(userId))));
    expect(lines()).toEqual(['POST /v1/credentials/batch', 'POST /v1/credentials/batch']);
  });

  it.each<[string, Answer]>([
    ['cut', 'cut'],
    ['a gateway’s page', { status: 502, text: '<html>Bad Gateway</html>' }],
  ])('after three tries fails for all, and each may be read again: %s', async (_name, answer) => {
    server.answer = () => answer;
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map((userId) => client.getCredential(userRef(userId))),
    );
    for (const outcome of outcomes) {
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({
        code: 'server_unreachable',
        retryable: true,
      });
    }
    expect(server.requests).toHaveLength(3);
    answerEach(({ userId }) => ofUser(userId));
    expect((await client.getCredential(userRef('a'))).connectionId).toBe('conn_a');
  });

  it('because the key is refused drops everything', async () => {
    answerEach(({ userId }) => ofUser(userId));
    await client.getCredential(userRef('a'));
    server.answer = () => problem(401, 'unauthorized');
    await Promise.allSettled(['b', 'c'].map((userId) => client.getCredential(userRef(userId))));
    expect(client.toJSON().cachedCredentials).toBe(0);
  });
});
