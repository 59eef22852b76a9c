import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { ApiKeyIdentity } from '../src/access/api-key-store.js';
import {
  createIdempotentRequests,
  type IdempotentRequest,
  type IdempotentRequests,
} from '../src/access/idempotent-request-store.js';
import { addSeconds } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { Problem } from '../src/errors/problem.js';
import { systemRandomness } from '../src/randomness.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';
import type { Vault } from '../src/vault/vault.js';
import { describeEachEngine } from './support/databases.js';

const START = new Date('2026-03-01T12:00:00.000Z');
const TOKEN = 'planted-session-token';

const key: ApiKeyIdentity = { id: 'key_1', environment: 'test', scopes: ['admin'], tenantId: null };
const request: IdempotentRequest = {
  key,
  idempotencyKey: 'a1',
  method: 'POST',
  path: '/v1/connect-sessions',
  body: { tenantId: 'org_acme' },
};

describeEachEngine('requests with an Idempotency-Key', (open) => {
  let db: Database;
  let vault: Vault;
  let now = START;
  let requests: IdempotentRequests;
  let runs: number;
  beforeAll(async () => {
    db = await open();
    const rootKeys = [rootKeyOf(randomBytes(32))];
    vault = await openVault({ db, rootKeys, clock: { now: () => now }, randomness: systemRandomness });
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    now = START;
    runs = 0;
    await db.prisma.idempotentRequest.deleteMany();
    requests = createIdempotentRequests({ db, vault, clock: { now: () => now } });
  });

  const run = async () => {
    runs += 1;
    return { status: 201, body: { token: TOKEN, run: runs } };
  };
  const never = async () => {
    throw new Error('this must not run');
  };
  /** A run that ends when the test says so. */
  const held = () => {
    let begin = () => {};
    let end = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const work = async () => {
      begin();
      await ended;
      return run();
    };
    return { work, begun, end: () => end() };
  };

  it('run once, and are answered the same again', async () => {
    const first = await requests.once(request, run);
    expect(first).toEqual({ status: 201, body: { token: TOKEN, run: 1 } });
    expect(await requests.once(request, never)).toEqual(first);
    expect(runs).toBe(1);
  });

  it('are answered the same by another replica', async () => {
    const first = await requests.once(request, run);
    const replica = createIdempotentRequests({ db, vault, clock: { now: () => now } });
    expect(await replica.once(request, never)).toEqual(first);
  });

  it('repeat an answer without a body, as one of 200', async () => {
    await requests.once(request, async () => ({}));
    expect(await requests.once(request, never)).toEqual({ status: 200 });
  });

  it.each<[string, Partial<IdempotentRequest>]>([
    ['another body', { body: { tenantId: 'org_other' } }],
    ['another path', { path: '/v1/connections' }],
    ['another method', { method: 'PATCH' }],
  ])('are refused with %s under the same key', async (_what, change) => {
    await requests.once(request, run);
    const again = requests.once({ ...request, ...change }, never);
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
    expect(runs).toBe(1);
  });

  it.each<[string, Partial<ApiKeyIdentity>]>([
    ['another API key', { id: 'key_2' }],
    ['another environment', { environment: 'live' }],
  ])('never answer what was meant for %s', async (_whose, change) => {
    await requests.once(request, run);
    const other = await requests.once({ ...request, key: { ...key, ...change } }, run);
    expect(other.body).toEqual({ token: TOKEN, run: 2 });
  });

  it('run once when they come at the same time; the second is asked to wait', async () => {
    const { work, begun, end } = held();
    const first = requests.once(request, work);
    await begun;
    await expect(requests.once(request, never)).rejects.toMatchObject({
      code: 'conflict',
      details: { retryAfterSeconds: 1 },
    });
    end();
    const answer = await first;
    expect(await requests.once(request, never)).toEqual(answer);
  });

  it('are forgotten when they fail, so that they can be repeated', async () => {
    const failure = new Problem('provider_unavailable', 'The provider does not answer.');
    const failed = requests.once(request, async () => {
      throw failure;
    });
    await expect(failed).rejects.toBe(failure);
    expect((await requests.once(request, run)).body).toEqual({ token: TOKEN, run: 1 });
  });

  it('can be repeated a minute after the server that ran them died', async () => {
    const { work, begun, end } = held();
    const lost = requests.once(request, work);
    await begun;
    now = addSeconds(START, 59);
    await expect(requests.once(request, run)).rejects.toMatchObject({ code: 'conflict' });
    now = addSeconds(START, 61);
    expect((await requests.once(request, run)).body).toEqual({ token: TOKEN, run: 1 });
    end();
    // It lived after all; what was answered meanwhile stands.
    expect((await lost).body).toEqual({ token: TOKEN, run: 2 });
    expect((await requests.once(request, never)).body).toEqual({ token: TOKEN, run: 1 });
  });

  it('are not let in a third time when the first fails after the second took over', async () => {
    const first = held();
    const failed = requests.once(request, async () => {
      await first.work();
      throw new Error('too late');
    });
    await first.begun;
    now = addSeconds(START, 61);
    const second = held();
    const running = requests.once(request, second.work);
    await second.begun;
    first.end();
    await expect(failed).rejects.toThrow('too late');
    await expect(requests.once(request, never)).rejects.toMatchObject({ code: 'conflict' });
    second.end();
    await running;
  });

  it('are not taken over by another request after that', async () => {
    const { work, begun, end } = held();
    const lost = requests.once(request, work);
    await begun;
    now = addSeconds(START, 61);
    const other = requests.once({ ...request, body: {} }, never);
    await expect(other).rejects.toMatchObject({ code: 'conflict' });
    end();
    await lost;
  });

  it('keep answers sealed, and each opens for its own request only', async () => {
    await requests.once(request, run);
    const second = { ...request, idempotencyKey: 'a2' };
    await requests.once(second, run);
    const [row] = await db.query<{ text: string }>(
      'dump',
      `SELECT i::text || encode(envelope, 'escape') AS text FROM idempotent_requests i WHERE key = 'a1'`,
      [],
    );
    expect(row?.text).toContain('a1');
    expect(row?.text).not.toContain(TOKEN);
    await db.query(
      'swap',
      `UPDATE idempotent_requests SET envelope = (SELECT envelope FROM idempotent_requests WHERE key = 'a1')
       WHERE key = 'a2'`,
      [],
    );
    await expect(requests.once(second, never)).rejects.toMatchObject({ name: 'VaultError' });
  });

  it('leave no digest of the body behind, by which a password could be guessed', async () => {
    const body = { credential: { username: 'ada', password: 'tr0ub4dor' } };
    await requests.once({ ...request, body }, run);
    const [row] = await db.query<{ request_hash: Uint8Array }>(
      'digest',
      'SELECT request_hash FROM idempotent_requests',
      [],
    );
    const guess = JSON.stringify([request.method, request.path, body]);
    const digest = createHash('sha256').update(guess).digest();
    const kept = Buffer.from(row?.request_hash ?? []);
    expect(kept.includes(digest)).toBe(false);
    expect(kept.includes(digest.toString('base64'))).toBe(false);
  });

  it('are forgotten after a day', async () => {
    await requests.once(request, run);
    await requests.sweep(addSeconds(START, 86_400));
    expect(await db.prisma.idempotentRequest.count()).toBe(1);
    await requests.sweep(addSeconds(START, 86_401));
    expect(await db.prisma.idempotentRequest.count()).toBe(0);
  });
});
