import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ApiKeys, allows, createApiKeys, type NewApiKey } from '../src/access/api-key-store.js';
import { addSeconds } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { Problem } from '../src/errors/problem.js';
import { StartError } from '../src/errors/start-error.js';
import { systemRandomness } from '../src/randomness.js';
import { describeEachEngine } from './support/databases.js';
import { shakenDatabase } from './support/shaken-database.js';

const START = new Date('2026-03-01T12:00:00.000Z');
const BOOT_KEY = `ap_live_${'boot-key'.repeat(4)}`;
const UNKNOWN_KEY = `ap_test_${'x'.repeat(43)}`;

const wanted: NewApiKey = { name: 'backend', environment: 'test', scopes: ['credentials:read'] };

describeEachEngine('API keys', (open) => {
  let db: Database;
  let now: Date;
  let keys: ApiKeys;
  let replica: ApiKeys;
  beforeAll(async () => {
    db = await open();
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    now = START;
    await db.prisma.apiKey.deleteMany();
    const build = () => createApiKeys({ db, clock: { now: () => now }, randomness: systemRandomness });
    keys = build();
    replica = build();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const ageBy = (seconds: number) => {
    now = addSeconds(now, seconds);
  };
  const refused = { name: 'Problem', code: 'unauthorized' };

  it('are made once, told once, and stored as a hash', async () => {
    const { id, key } = await keys.createApiKey({ ...wanted, tenantId: 'org_acme' });
    expect(key).toMatch(/^ap_test_[A-Za-z0-9_-]{43}$/);
    expect(await keys.verifyApiKey(key)).toEqual({
      id,
      name: 'backend',
      environment: 'test',
      scopes: ['credentials:read'],
      tenantId: 'org_acme',
    });
    const [row] = await db.query<{ hash: Uint8Array; text: string }>(
      'dump',
      'SELECT hash, k::text AS text FROM api_keys k',
      [],
    );
    expect(Buffer.from(row?.hash ?? []).equals(createHash('sha256').update(key).digest())).toBe(true);
    expect(row?.text).not.toContain(key.slice(12));
    expect(inspect(await keys.listApiKeys(), { depth: 5 })).not.toContain(key.slice(12));
  });

  it('are never the same twice', async () => {
    const made = await Promise.all([keys.createApiKey(wanted), keys.createApiKey(wanted)]);
    expect(new Set(made.flatMap(({ id, key }) => [id, key])).size).toBe(4);
  });

  it('are refused when they are unknown, or one character is another', async () => {
    const { key } = await keys.createApiKey(wanted);
    const other = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
    await expect(keys.verifyApiKey(UNKNOWN_KEY)).rejects.toMatchObject(refused);
    await expect(keys.verifyApiKey(other)).rejects.toMatchObject(refused);
    await expect(keys.verifyApiKey(key.replace('ap_test', 'ap_live'))).rejects.toMatchObject(refused);
  });

  it('cost nothing when they can’t be keys', async () => {
    const query = jest.spyOn(db, 'query');
    for (const text of [
      '',
      'Bearer',
      'ap_test_short',
      `ap_TEST_${'x'.repeat(43)}`,
      `${UNKNOWN_KEY}\n`,
      'x'.repeat(9999),
    ]) {
      await expect(keys.verifyApiKey(text)).rejects.toMatchObject(refused);
    }
    expect(query).not.toHaveBeenCalled();
  });

  it('cost one query when they are unknown, each time, and nothing is kept of them', async () => {
    const query = jest.spyOn(db, 'query');
    for (const times of [1, 2]) {
      await expect(keys.verifyApiKey(UNKNOWN_KEY)).rejects.toMatchObject(refused);
      expect(query).toHaveBeenCalledTimes(times);
    }
  });

  it('are found by an index', async () => {
    const plan = await db.transaction(async (tx) => {
      await tx.$executeRaw`SET LOCAL enable_seqscan = off`;
      return tx.$queryRaw`EXPLAIN SELECT id FROM api_keys WHERE hash = ${Buffer.alloc(32)}`;
    });
    expect(JSON.stringify(plan)).toContain('Index');
  });

  it('are asked for once in four seconds', async () => {
    const { key } = await keys.createApiKey(wanted);
    const query = jest.spyOn(db, 'query');
    await keys.verifyApiKey(key);
    ageBy(3.9);
    await keys.verifyApiKey(key);
    expect(query).toHaveBeenCalledTimes(1);
    ageBy(0.1);
    await keys.verifyApiKey(key);
    expect(query).toHaveBeenCalledTimes(2);
  });

  it('are refused at once where they were revoked, and within 5 s on every other replica', async () => {
    const { id, key } = await keys.createApiKey(wanted);
    await keys.verifyApiKey(key);
    ageBy(1);
    await replica.verifyApiKey(key);
    await keys.revokeApiKey(id);
    await expect(keys.verifyApiKey(key)).rejects.toMatchObject(refused);
    ageBy(5);
    await expect(replica.verifyApiKey(key)).rejects.toMatchObject(refused);
  });

  it('are not kept alive by being used all the time', async () => {
    const { id, key } = await keys.createApiKey(wanted);
    await replica.verifyApiKey(key);
    await keys.revokeApiKey(id);
    const seen: boolean[] = [];
    for (let second = 1; second <= 5; second += 1) {
      ageBy(1);
      seen.push(
        await replica.verifyApiKey(key).then(
          () => true,
          () => false,
        ),
      );
    }
    expect(seen).toEqual([true, true, true, false, false]);
  });

  it('are asked for again when the clock was set back', async () => {
    const { id, key } = await keys.createApiKey(wanted);
    await replica.verifyApiKey(key);
    await keys.revokeApiKey(id);
    ageBy(-3600);
    await expect(replica.verifyApiKey(key)).rejects.toMatchObject(refused);
  });

  it('end at their expiry, even while they are remembered', async () => {
    const { key } = await keys.createApiKey({ ...wanted, expiresAt: addSeconds(START, 2) });
    ageBy(1.999);
    await keys.verifyApiKey(key);
    ageBy(0.001);
    await expect(keys.verifyApiKey(key)).rejects.toMatchObject(refused);
  });

  it('that were good within a day are good for metrics while the database does not answer, until they expire', async () => {
    const shaken = shakenDatabase(db);
    const { key } = await keys.createApiKey({ ...wanted, expiresAt: addSeconds(START, 7_200) });
    const { key: endless } = await keys.createApiKey(wanted);
    const { key: unseen } = await keys.createApiKey(wanted);
    const away = createApiKeys({
      ...{ db: shaken, clock: { now: () => now }, randomness: systemRandomness, patienceMillis: 1 },
    });
    await away.verifyKnownApiKey(key);
    await away.verifyKnownApiKey(endless);
    shaken.setAway(true);
    ageBy(3_600);
    await expect(away.verifyKnownApiKey(key)).resolves.toMatchObject({ name: 'backend' });
    await expect(away.verifyKnownApiKey(unseen)).rejects.toThrow('away');
    await expect(away.verifyApiKey(key)).rejects.toThrow('away');
    shaken.setAway(false);
    shaken.setHanging(true);
    await expect(away.verifyKnownApiKey(key)).resolves.toMatchObject({ name: 'backend' });
    shaken.setHanging(false);
    ageBy(3_600);
    shaken.setAway(true);
    await expect(away.verifyKnownApiKey(key)).rejects.toMatchObject(refused);
    await expect(away.verifyKnownApiKey(endless)).resolves.toMatchObject({ name: 'backend' });
    ageBy(80_000);
    await expect(away.verifyKnownApiKey(endless)).rejects.toThrow('away');
  });

  it('that were revoked are refused for metrics too when the database answers', async () => {
    const { id, key } = await keys.createApiKey(wanted);
    await replica.verifyKnownApiKey(key);
    await keys.revokeApiKey(id);
    ageBy(5);
    await expect(replica.verifyKnownApiKey(key)).rejects.toMatchObject(refused);
  });

  it('say no more of a key that is refused than that it is', async () => {
    const { id, key } = await keys.createApiKey(wanted);
    await keys.revokeApiKey(id);
    const messageOf = (text: string) =>
      keys.verifyApiKey(text).then(String, ({ message }: Problem) => message);
    const message = await messageOf(key);
    expect(message).toBe(await messageOf(UNKNOWN_KEY));
    expect(message).not.toContain(key);
  });

  it('can be revoked twice, keep the first time, and have to exist', async () => {
    const { id } = await keys.createApiKey(wanted);
    await keys.revokeApiKey(id);
    ageBy(60);
    await keys.revokeApiKey(id);
    expect(await keys.listApiKeys()).toMatchObject([{ id, revokedAt: START }]);
    await expect(keys.revokeApiKey('key_none')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are listed newest first, by environment, with the ends of those that have one', async () => {
    const { id: first, key } = await keys.createApiKey({ ...wanted, expiresAt: addSeconds(START, 60) });
    ageBy(1);
    const { id: second } = await keys.createApiKey({ ...wanted, environment: 'live', tenantId: 'org_a' });
    expect(await keys.listApiKeys()).toMatchObject([{ id: second }, { id: first }]);
    expect(await keys.listApiKeys('live')).toMatchObject([
      { id: second, tenantId: 'org_a', revokedAt: null },
    ]);
    expect(await keys.listApiKeys('test')).toEqual([
      {
        id: first,
        name: 'backend',
        environment: 'test',
        prefix: key.slice(0, 'ap_test_'.length + 4),
        scopes: ['credentials:read'],
        tenantId: null,
        createdAt: START,
        expiresAt: addSeconds(START, 60),
        revokedAt: null,
      },
    ]);
  });

  it.each<[string, Partial<Record<keyof NewApiKey, unknown>>, string]>([
    ['no name', { name: ' ' }, '/name'],
    ['the name that the variable’s keys have', { name: 'AUTHPIPE_API_KEY' }, '/name'],
    ['an environment that no prefix can hold', { environment: 'Live_1' }, '/environment'],
    ['no scope', { scopes: [] }, '/scopes'],
    ['an unknown scope', { scopes: ['everything'] }, '/scopes/0'],
    ['an empty tenant, which would be no limit', { tenantId: '' }, '/tenantId'],
    ['an end that has passed', { expiresAt: START }, '/expiresAt'],
  ])('are not made with %s', async (_what, fault, pointer) => {
    const error = await keys.createApiKey({ ...wanted, ...fault } as NewApiKey).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'invalid_request', details: { errors: [{ pointer }] } });
    expect(await db.prisma.apiKey.count()).toBe(0);
  });

  describe('of AUTHPIPE_API_KEY', () => {
    it('exist from boot on, in their environment, and may do everything', async () => {
      const { id, stillValid } = await keys.ensureBootKey(BOOT_KEY);
      const identity = await replica.verifyApiKey(BOOT_KEY);
      expect(identity).toMatchObject({ id, environment: 'live', tenantId: null });
      expect(allows(identity, 'integrations:write')).toBe(true);
      expect(stillValid).toEqual([]);
    });

    it('are one, however often and however many replicas start', async () => {
      const starts = await Promise.all([keys.ensureBootKey(BOOT_KEY), replica.ensureBootKey(BOOT_KEY)]);
      starts.push(await keys.ensureBootKey(BOOT_KEY));
      expect(new Set(starts.map(({ id }) => id)).size).toBe(1);
      expect(await db.prisma.apiKey.count()).toBe(1);
    });

    it('do not end the one before, and tell of it until it is revoked', async () => {
      const { id: before } = await keys.ensureBootKey(BOOT_KEY);
      await keys.createApiKey(wanted);
      const next = BOOT_KEY.replace('boot', 'next');
      expect((await keys.ensureBootKey(next)).stillValid).toEqual([before]);
      await keys.revokeApiKey(before);
      expect((await keys.ensureBootKey(next)).stillValid).toEqual([]);
    });

    it('stop the start when they were revoked, or are none', async () => {
      const { id } = await keys.ensureBootKey(BOOT_KEY);
      await keys.revokeApiKey(id);
      for (const key of [BOOT_KEY, 'ap_live_short']) {
        const error = await keys.ensureBootKey(key).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(StartError);
        expect(inspect(error)).not.toContain(key);
      }
    });
  });
});

describe('scopes', () => {
  it('allow what they name, and admin allows everything', () => {
    expect(allows({ scopes: ['credentials:read'] }, 'credentials:read')).toBe(true);
    expect(allows({ scopes: ['credentials:read'] }, 'connections:read')).toBe(false);
    expect(allows({ scopes: [] }, 'admin')).toBe(false);
    expect(allows({ scopes: ['admin'] }, 'connections:write')).toBe(true);
    expect(allows({ scopes: ['connections:write', 'integrations:write'] }, 'admin')).toBe(false);
  });
});
