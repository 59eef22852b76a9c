import { createSecretKey } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { addSeconds, systemClock } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { systemRandomness } from '../src/randomness.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';
import { openBox, unambiguous } from '../src/vault/sealed-box.js';
import type { SecretPlace } from '../src/vault/vault.js';
import { describeEachEngine } from './support/databases.js';

const PLANTED = 'planted-refresh-token';
const root = rootKeyOf(Buffer.alloc(32, 1));
const otherRoot = rootKeyOf(Buffer.alloc(32, 2));
const place: SecretPlace = {
  environment: 'test',
  tenantId: 'org_a',
  record: 'conn_1',
  field: 'credential',
  version: 3,
};

describeEachEngine('the vault', (open) => {
  let db: Database;
  const vaultWith = (...rootKeys: Parameters<typeof openVault>[0]['rootKeys']) =>
    openVault({ db, rootKeys, clock: systemClock, randomness: systemRandomness });
  beforeAll(async () => {
    db = await open();
  });
  afterAll(() => db.close());

  it('opens what it sealed, also in another process', async () => {
    const envelope = await (await vaultWith(root)).seal(place, PLANTED);
    expect(Buffer.from(envelope).includes(PLANTED)).toBe(false);
    expect(await (await vaultWith(root)).open(place, envelope)).toBe(PLANTED);
  });

  it('does not open an envelope that was moved to another tenant, row, field or environment', async () => {
    const vault = await vaultWith(root);
    const envelope = await vault.seal(place, PLANTED);
    await vault.seal({ ...place, tenantId: 'org_b' }, 'so that the other tenant has a key');
    const elsewhere = [
      { tenantId: 'org_b' },
      { record: 'conn_2' },
      { field: 'clientSecret' },
      { environment: 'live' },
    ];
    for (const difference of elsewhere) {
      await expect(vault.open({ ...place, ...difference }, envelope)).rejects.toThrow(
        'sealed for another place',
      );
    }
  });

  it('does not open an older version as a newer one', async () => {
    const vault = await vaultWith(root);
    const envelope = await vault.seal(place, PLANTED);
    await expect(vault.open({ ...place, version: 4 }, envelope)).rejects.toThrow('sealed for another place');
  });

  it('seals what follows from an opened secret with the key that it had, without asking the database', async () => {
    const vault = await vaultWith(root);
    const envelope = await vault.seal(place, PLANTED);
    const opened = await vault.openForChange(place, envelope);
    expect(opened.plaintext).toBe(PLANTED);
    const next = opened.seal({ ...place, version: 4 }, 'planted-next-token');
    expect(Buffer.from(next).includes('planted-next-token')).toBe(false);
    expect(await (await vaultWith(root)).open({ ...place, version: 4 }, next)).toBe('planted-next-token');
    await expect(vault.open(place, next)).rejects.toThrow('sealed for another place');
    const again = opened.seal({ ...place, version: 4 }, 'planted-next-token');
    expect(Buffer.from(again).equals(Buffer.from(next))).toBe(false);
  });

  it('does not open for a change what was sealed for another place', async () => {
    const vault = await vaultWith(root);
    const envelope = await vault.seal(place, PLANTED);
    await expect(vault.openForChange({ ...place, record: 'conn_2' }, envelope)).rejects.toThrow(
      'sealed for another place',
    );
  });

  it('opens nothing that follows from an opened secret once the tenant’s keys were destroyed', async () => {
    const vault = await vaultWith(root);
    const gone = { ...place, tenantId: 'org_gone' };
    const opened = await vault.openForChange(gone, await vault.seal(gone, PLANTED));
    const next = opened.seal({ ...gone, version: 4 }, PLANTED);
    await vault.forgetTenant(gone.environment, gone.tenantId);
    await expect((await vaultWith(root)).open({ ...gone, version: 4 }, next)).rejects.toThrow();
  });

  it('does not open an envelope of which any byte was changed', async () => {
    const vault = await vaultWith(root);
    const envelope = await vault.seal(place, 'short');
    for (let index = 0; index < envelope.length; index += 1) {
      const altered = Uint8Array.from(envelope);
      altered.set([(altered[index] ?? 0) ^ 1], index);
      await expect(vault.open(place, altered)).rejects.toThrow();
    }
    await expect(vault.open(place, envelope.subarray(0, 10))).rejects.toThrow();
  });

  it('seals the same secret differently each time', async () => {
    const vault = await vaultWith(root);
    const envelopes = await Promise.all(Array.from({ length: 100 }, () => vault.seal(place, PLANTED)));
    const nonces = envelopes.map((envelope) =>
      Buffer.from(envelope.subarray(2 + (envelope[1] ?? 0)).subarray(0, 12)).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(100);
  });

  it('keeps tenants apart by key: one tenant’s key opens nothing of another', async () => {
    const vault = await vaultWith(root);
    await vault.seal({ ...place, tenantId: 'org_c' }, 'a');
    const rows = await db.query<{ tenant_id: string; wrapped_key: Uint8Array }>(
      'keys',
      'SELECT tenant_id, wrapped_key FROM tenant_keys',
      [],
    );
    const wrapped = rows.map(({ wrapped_key }) => Buffer.from(wrapped_key).toString('hex'));
    expect(new Set(wrapped).size).toBe(rows.length);
    expect(rows.map(({ tenant_id }) => tenant_id)).toEqual(expect.arrayContaining(['org_a', 'org_c', '']));
  });

  it('does not accept a wrapped key that was swapped in from another tenant', async () => {
    const vault = await vaultWith(root);
    const mine = { ...place, tenantId: 'org_swap_a' };
    const envelope = await vault.seal(mine, PLANTED);
    await vault.seal({ ...place, tenantId: 'org_swap_b' }, 'x');
    await db.query(
      'swap',
      `UPDATE tenant_keys SET wrapped_key = (SELECT wrapped_key FROM tenant_keys WHERE tenant_id = 'org_swap_b')
       WHERE tenant_id = 'org_swap_a'`,
      [],
    );
    const fresh = await openVault({ db, rootKeys: [root], clock: systemClock, randomness: systemRandomness });
    await expect(fresh.open(mine, envelope)).rejects.toThrow();
    await db.query('unswap', "DELETE FROM tenant_keys WHERE tenant_id = 'org_swap_a'", []);
  });

  it('stops the start when the product’s own key was altered', async () => {
    await vaultWith(root);
    const flip = `UPDATE tenant_keys SET wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1)
      WHERE environment = '' AND tenant_id = ''`;
    await db.query('flip', flip, []);
    await expect(vaultWith(root)).rejects.toThrow('restore the table tenant_keys');
    await db.query('flip', flip, []);
    await vaultWith(root);
  });

  it('opens old secrets while a new root key seals', async () => {
    const old = await (await vaultWith(root)).seal(place, PLANTED);
    const rotating = await vaultWith(otherRoot, root);
    expect(await rotating.open(place, old)).toBe(PLANTED);
    const newTenant = { ...place, tenantId: 'org_new' };
    const fresh = await rotating.seal(newTenant, PLANTED);
    expect(await rotating.open(newTenant, fresh)).toBe(PLANTED);
    await expect(vaultWith(root)).rejects.toThrow(otherRoot.id);
    await db.query('forget_new', "DELETE FROM tenant_keys WHERE tenant_id = 'org_new'", []);
  });

  it('stops the start with a wrong root key, naming the one that is needed and no key', async () => {
    await vaultWith(root);
    const wrong = vaultWith(otherRoot);
    await expect(wrong).rejects.toThrow(root.id);
    await expect(wrong).rejects.not.toThrow(Buffer.alloc(32, 1).toString('base64'));
  });

  it('says that no root key was given, where the development key of the data folder was tried', async () => {
    await vaultWith(root);
    const message = await openVault({
      ...{ db, rootKeys: [otherRoot], isDevelopmentKey: true },
      ...{ clock: systemClock, randomness: systemRandomness },
    }).catch((error: Error) => error.message);
    expect(message).toContain('AUTHPIPE_ENCRYPTION_KEY is not set');
    expect(message).toContain(root.id);
    expect(message).not.toContain('holds');
  });

  it('stops the start without a root key', async () => {
    await expect(vaultWith()).rejects.toThrow('AUTHPIPE_ENCRYPTION_KEY');
  });

  it('opens nothing of a tenant whose keys were destroyed, and begins anew', async () => {
    const gone = { ...place, tenantId: 'org_gone' };
    const vault = await vaultWith(root);
    const replica = await vaultWith(root);
    const envelope = await vault.seal(gone, PLANTED);
    await replica.open(gone, envelope);
    await vault.forgetTenant('test', 'org_gone');
    await expect(vault.open(gone, envelope)).rejects.toThrow('its tenant was deleted');
    // The other replica still has the old key in memory, and must not seal with it.
    const again = await replica.seal(gone, PLANTED);
    expect(await (await vaultWith(root)).open(gone, again)).toBe(PLANTED);
  });

  it('lets no other process open what is left of a deleted tenant for longer than five minutes', async () => {
    const left = { ...place, tenantId: 'org_left' };
    let now = new Date('2026-01-01T00:00:00Z');
    const clock = { now: () => now };
    const vault = await vaultWith(root);
    const replica = await openVault({ db, rootKeys: [root], clock, randomness: systemRandomness });
    const envelope = await vault.seal(left, PLANTED);
    expect(await replica.open(left, envelope)).toBe(PLANTED);
    await vault.forgetTenant('test', 'org_left');
    now = addSeconds(now, 301);
    await expect(replica.open(left, envelope)).rejects.toThrow('its tenant was deleted');
  });

  it('never seals with a wiped key while the tenant is being deleted', async () => {
    const going = { ...place, tenantId: 'org_going' };
    const aad = (keyId: string) =>
      unambiguous(['authpipe secret', '1', keyId, 'test', 'org_going', 'conn_1', 'credential', '3']);
    // Both have asked the database and get their answers at once: the deletion goes on in each turn of the sealing.
    for (let turns = 0; turns < 12; turns += 1) {
      const late: Database = {
        ...db,
        query: async (name, sql, values) => {
          const rows = await db.query<never>(name, sql, values);
          if (name === 'tenant_key_current' || name === 'tenant_key_destroy') await answers;
          if (name === 'tenant_key_destroy') for (let turn = 0; turn < turns; turn += 1) await null;
          return rows;
        },
      };
      let answers: Promise<void> = Promise.resolve();
      const vault = await openVault({
        ...{ db: late, rootKeys: [root], clock: systemClock, randomness: systemRandomness },
      });
      await vault.seal(going, PLANTED);
      let answer = (): void => {};
      answers = new Promise((resolve) => {
        answer = resolve;
      });
      const sealing = vault.seal(going, PLANTED);
      await db.ping();
      const forgetting = vault.forgetTenant('test', 'org_going');
      await db.ping();
      answer();
      const envelope = await sealing;
      await forgetting;
      const boxAt = 2 + (envelope[1] ?? 0);
      const keyId = Buffer.from(envelope.subarray(2, boxAt)).toString('latin1');
      const box = Buffer.from(envelope.subarray(boxAt));
      const zeros = createSecretKey(Buffer.alloc(32));
      expect(() => openBox(zeros, aad(keyId), box)).toThrow('does not open');
    }
  });

  it('makes one key when two processes seal for a new tenant at once', async () => {
    const vaults = await Promise.all([vaultWith(root), vaultWith(root)]);
    const race = { ...place, tenantId: 'org_race' };
    const [first, second] = await Promise.all(vaults.map((vault) => vault.seal(race, PLANTED)));
    const fresh = await vaultWith(root);
    expect(await fresh.open(race, first ?? new Uint8Array())).toBe(PLANTED);
    expect(await fresh.open(race, second ?? new Uint8Array())).toBe(PLANTED);
  });
});

describeEachEngine('the first start', (open) => {
  it('of two servers with different root keys leaves one standing, and tells the other why', async () => {
    const db = await open();
    const start = (...rootKeys: Parameters<typeof openVault>[0]['rootKeys']) =>
      openVault({ db, rootKeys, clock: systemClock, randomness: systemRandomness });
    const started = await Promise.allSettled([start(root), start(otherRoot)]);
    const failed = started.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      name: 'StartError',
      message: expect.stringContaining('AUTHPIPE_ENCRYPTION_KEY'),
    });
    await db.close();
  });
});

it('prints no root key', () => {
  expect(JSON.stringify(root)).toBe(`{"id":"${root.id}"}`);
  expect(Object.keys({ ...root })).toEqual(['id']);
});

it('binds parts so that none can pose as others', () => {
  expect(unambiguous(['ab', 'c']).equals(unambiguous(['a', 'bc']))).toBe(false);
});
