import { expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { startAudit } from './support/audit-world.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('the chain of the audit', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
  });

  it('proves that all is there, and says how much is not chained yet', async () => {
    await write('org_acme', 3);
    await write('org_beta', 2);
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 0, entries: 0, waiting: 5 });
    await audit.chainEntries();
    // The product's own chain tells of the two.
    expect(await audit.verify()).toEqual({
      ...{ intact: true, chains: 3, entries: 7, erased: 0, waiting: 0, faults: [] },
    });
    await write('org_acme');
    await audit.chainEntries();
    expect(await audit.verify({ tenantId: 'org_acme' })).toMatchObject({ intact: true, entries: 4 });
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data.map(({ position }) => position)).toEqual([4, 3, 2, 1]);
  });

  it.each([
    ['who', `content = jsonb_set(content, '{who}', '{"type":"key","id":"key_other"}')`],
    ['where', `content = jsonb_set(content, '{where}', '{"ip":"192.0.2.1"}')`],
    ['result', `content = jsonb_set(content, '{result}', '"access_denied"')`],
    ['details', `content = jsonb_set(content, '{details,index}', '99')`],
    ['the whole content', 'content = NULL, salt = NULL'],
    ['time', `time = time - interval '1 hour'`],
    ['time, to one that is none,', `time = 'infinity'`],
    ['time, to one beyond all dates,', `time = '290000-01-01'`],
    ['action', `action = 'connection.created'`],
    ['connection', `connection_id = 'conn_other'`],
    ['sequence', 'sequence = 1000000'],
    ['salt', `salt = decode(repeat('00', 16), 'hex')`],
    ['hash of the content', `content_hash = decode(repeat('00', 32), 'hex')`],
    ['seal', `seal = decode(repeat('00', 32), 'hex')`],
  ])('names an entry whose %s was changed', async (_field, assignment) => {
    await write('org_acme', 5);
    await write('org_beta', 5);
    await audit.chainEntries();
    await tamper(`UPDATE audit_entries SET ${assignment} WHERE ${OF_ACME} AND position = 3`);
    const found = await audit.verify();
    expect(faultsOf(found)).toEqual([['org_acme', 3, 'changed']]);
    expect(found.intact).toBe(false);
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data).toHaveLength(5);
  });

  it('names an entry that was changed together with its hash, and the one that no longer follows', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(
      `UPDATE audit_entries SET hash = decode(repeat('00', 32), 'hex') WHERE ${OF_ACME} AND position = 3`,
    );
    expect(faultsOf(await audit.verify())).toEqual([
      ['org_acme', 3, 'changed'],
      ['org_acme', 4, 'changed'],
    ]);
  });

  it('names entries that were moved to another chain, and those that are missing', async () => {
    await write('org_acme', 3);
    await write('org_beta', 2);
    await audit.chainEntries();
    await tamper(`UPDATE audit_entries SET tenant_id = 'org_beta' WHERE ${OF_ACME} AND position = 3`);
    expect(faultsOf(await audit.verify())).toEqual([
      ['org_acme', 3, 'cut_off'],
      ['org_beta', 3, 'added'],
    ]);
  });

  it('names what was taken out of the middle', async () => {
    await write('org_acme', 6);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position IN (2, 3)`);
    const { faults } = await audit.verify();
    expect(faults).toEqual([
      {
        ...{ environment: 'test', tenantId: 'org_acme', position: 2, fault: 'missing' },
        detail: 'entries 2 to 3 were taken out',
      },
      {
        ...{ environment: 'test', tenantId: 'org_acme', position: 4, fault: 'unproved' },
        detail: "whether it says what was written can't be told without the entry before it",
      },
    ]);
  });

  it('names what was put before the first entry, and does not show it', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    const put = (position: number) =>
      db.prisma.$executeRawUnsafe(`INSERT INTO audit_entries
        SELECT 1000 + ${position}, environment, tenant_id, ${position}, time, action, connection_id,
          jsonb_set(content, '{who}', '{"type":"key","id":"key_other"}'), salt, content_hash, hash, seal
        FROM audit_entries WHERE ${OF_ACME} ORDER BY position DESC LIMIT 1`);
    await put(0);
    await put(-5);
    const added = [
      ['org_acme', -5, 'added'],
      ['org_acme', 0, 'added'],
    ];
    expect(faultsOf(await audit.verify())).toEqual(added);
    for (const filter of [{ tenantId: 'org_acme' }, { connectionId: 'conn_2' }]) {
      const { data } = await audit.list('test', filter, { cursor: null, limit: 10 });
      expect(data.filter(({ position }) => position < 1)).toEqual([]);
    }
    clock.move(20 * DAY);
    await write('org_acme', 2);
    await audit.chainEntries();
    clock.move(11 * DAY);
    await audit.sweep(clock.now());
    await put(2);
    expect(faultsOf(await audit.verify())).toContainEqual(['org_acme', 2, 'added']);
  });

  it('takes no entry that was forgotten, and is yet to be deleted, for one that was put there', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(31 * DAY);
    await db.prisma.$executeRawUnsafe(
      `CREATE TABLE forgotten AS SELECT * FROM audit_entries WHERE ${OF_ACME} AND position < 3`,
    );
    await audit.sweep(clock.now());
    await db.prisma.$executeRawUnsafe('INSERT INTO audit_entries SELECT * FROM forgotten');
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [] });
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data).toEqual([]);
  });

  it('names two that were swapped', async () => {
    await write('org_acme', 6);
    await audit.chainEntries();
    for (const [from, to] of [
      [2, 100],
      [5, 2],
      [100, 5],
    ]) {
      await tamper(`UPDATE audit_entries SET position = ${to} WHERE ${OF_ACME} AND position = ${from}`);
    }
    expect(faultsOf(await audit.verify()).slice(0, 1)).toEqual([['org_acme', 2, 'out_of_order']]);
    const { faults } = await audit.verify();
    expect(faults.find(({ position }) => position === 5)).toMatchObject({
      fault: 'out_of_order',
      detail: 'it is the entry that was written as 2',
    });
  });

  it('misses an end that was cut off, also when what says how far it goes was set back', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position >= 4`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 4, 'cut_off']]);
    await tamper(`UPDATE audit_heads h SET position = 3, hash = e.hash FROM audit_entries e
      WHERE e.environment = h.environment AND e.tenant_id = h.tenant_id AND e.position = 3 AND h.tenant_id = 'org_acme'`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'head_changed']]);
  });

  it('does not go on with a chain whose end somebody else wrote', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position >= 4`);
    await tamper(`UPDATE audit_heads SET position = 3 WHERE tenant_id = 'org_acme'`);
    await write('org_acme');
    await write('org_beta');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ waiting: 1 });
    expect(faultsOf(await audit.verify())).toContainEqual(['org_acme', null, 'head_changed']);
    expect(await audit.verify({ tenantId: 'org_beta' })).toMatchObject({ intact: true, entries: 1 });
    expect(audit.logText()).toContain('authpipe audit verify');
  });

  it('is only ever added to', async () => {
    await write('org_acme', 2);
    await audit.chainEntries();
    for (const sql of [
      `UPDATE audit_entries SET action = 'key.used'`,
      `UPDATE audit_entries SET content = '{}'`,
      'DELETE FROM audit_entries',
      'TRUNCATE audit_entries',
    ]) {
      await expect(db.prisma.$executeRawUnsafe(sql)).rejects.toThrow('append-only');
    }
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 3 });
  });

  it('has no gap and no fork when replicas chain at once', async () => {
    const replicas = [audit, await startAudit(db, clock), await startAudit(db, clock)];
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        write('org_acme', 20),
        write('org_beta', 20),
        ...replicas.map((replica) => replica.chainEntries()),
        ...replicas.map((replica) => replica.chainEntries()),
      ]);
    }
    // Whoever gave way to another may have left something.
    while ((await audit.verify()).waiting > 0) await Promise.all(replicas.map((each) => each.chainEntries()));
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 3, entries: 202 });
  });

  it('counts no entry after a gap as proved, which may have been changed with it', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position = 2`);
    await tamper(`UPDATE audit_entries SET action = 'connection.created', connection_id = 'conn_other'
      WHERE ${OF_ACME} AND position = 3`);
    expect(faultsOf(await audit.verify())).toEqual([
      ['org_acme', 2, 'missing'],
      ['org_acme', 3, 'unproved'],
    ]);
  });
});
