import type { AuditVerification } from '@authpipe/types';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { acceptChain } from '../src/audit/accept-chain.js';
import { openAuditKey } from '../src/audit/audit-key-store.js';
import { verifyExport } from '../src/audit/verify-export.js';
import { appendAudit } from '../src/db/append-audit.js';
import type { Database } from '../src/db/database.js';
import { systemRandomness } from '../src/randomness.js';
import { ROOT_KEY, startAudit } from './support/audit-world.js';
import { describeEachEngine } from './support/databases.js';
import { type TestClock, testClock } from './support/world.js';

type Audit = Awaited<ReturnType<typeof startAudit>>;

const TRIGGERS = 'ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_kept';
const DAY = 86_400;
const CUT_BEFORE = 'entries 3 to 5 were cut off before it was accepted';

describeEachEngine('the chain of the audit', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: Audit;
  beforeEach(async () => {
    db = await open();
    clock = testClock();
    audit = await startAudit(db, clock);
  });
  afterEach(() => db.close());

  const write = (tenantId: string | null, count = 1) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        appendAudit(db, {
          ...{ environment: 'test', tenantId, connectionId: `conn_${index}`, action: 'connection.deleted' },
          ...{ time: clock.now(), details: { revokedAtProvider: true, index } },
        }),
      ),
    );
  /** As somebody does who owns the database, but no root key. */
  const tamper = async (sql: string, values: readonly unknown[] = []) => {
    await db.prisma.$executeRawUnsafe(TRIGGERS);
    await db.prisma.$executeRawUnsafe(sql, ...values);
  };
  const accept = async (tenantId: string) => {
    const auditKey = await openAuditKey({ db, clock, rootKeys: [ROOT_KEY], randomness: systemRandomness });
    return acceptChain({ db, clock, auditKey }, { environment: 'test', tenantId });
  };
  const faultsOf = ({ faults }: AuditVerification) =>
    faults.map(({ tenantId, position, fault }) => [tenantId, position, fault]);
  const lines = async (tenantId: string | null) => {
    const all: string[] = [];
    for await (const line of audit.exportChain('test', tenantId)) all.push(line);
    return all;
  };
  const OF_ACME = `environment = 'test' AND tenant_id = 'org_acme'`;

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

  it('misses a chain that was taken out as a whole, also when it began anew', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_missing']]);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_restarted']]);
  });

  it('misses the product’s own chain, also when it began anew', async () => {
    await write('org_acme', 2);
    await write(null, 2);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE tenant_id = ''`);
    await tamper(`DELETE FROM audit_heads WHERE tenant_id = ''`);
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
    await write(null);
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
    expect(faultsOf(await audit.verify({ tenantId: 'org_acme' }))).toEqual([[null, null, 'chain_restarted']]);
  });

  it('finds no fault in chains that begin while it looks', async () => {
    await write('org_acme');
    await audit.chainEntries();
    let isOver = false;
    const begin = async () => {
      for (let tenant = 0; tenant < 20; tenant += 1) {
        await write(`org_${tenant}`);
        await audit.chainEntries();
      }
      isOver = true;
    };
    const found: AuditVerification[] = [];
    const look = async () => {
      while (!isOver) found.push(await audit.verify());
    };
    await Promise.all([begin(), look(), look()]);
    expect(found.flatMap(faultsOf)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  it('misses all chains together, also when they began anew', async () => {
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 0 });
    await write('org_acme', 2);
    await audit.chainEntries();
    clock.move(2 * 3_600);
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_heads');
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
  });

  it('believes neither a beginning nor an erasure that somebody else wrote, also when a person goes on from there', async () => {
    await write('org_acme', 10);
    await audit.chainEntries();
    await tamper(`UPDATE audit_heads SET first_position = 6, erased_at = now() + interval '10 years',
      first_previous_hash = (SELECT hash FROM audit_entries WHERE ${OF_ACME} AND position = 5) WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position <= 5`);
    await tamper(`UPDATE audit_entries SET content = NULL, salt = NULL WHERE ${OF_ACME} AND position = 7`);
    const forged = [
      ['org_acme', 1, 'missing'],
      ['org_acme', 7, 'changed'],
    ];
    expect(faultsOf(await audit.verify())).toEqual(
      expect.arrayContaining([...forged, ['org_acme', null, 'head_changed']]),
    );
    await accept('org_acme');
    const word = ['org_acme', null, 'head_changed'];
    expect(faultsOf(await audit.verify())).toEqual(expect.arrayContaining([...forged, word]));
  });

  it('still names an end that was cut off after a person had the chain go on, until that is too old', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position > 2`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 3, 'cut_off']]);
    expect(await accept('org_acme')).toEqual({ position: 2 });
    await write('org_acme', 4);
    for (let look = 0; look < 2; look += 1) {
      const { faults } = await audit.verify();
      expect(faults).toMatchObject([
        { ...{ tenantId: 'org_acme', position: 3, fault: 'cut_off' }, detail: CUT_BEFORE },
      ]);
      await audit.chainEntries();
    }
    expect(await audit.verify({ tenantId: 'org_beta' })).toMatchObject({ intact: true });
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true });
  });

  it('still names a word on its ends that somebody else wrote after a person had the chain go on', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position > 2`);
    await tamper(`UPDATE audit_heads SET position = 2 WHERE ${OF_ACME}`);
    await accept('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'head_changed']]);
  });

  it('lets no person go on with a chain that never was', async () => {
    await write('org_acme');
    await audit.chainEntries();
    expect(await accept('org_acmee')).toBeNull();
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 2, entries: 2 });
  });

  it('finds no fault in the product’s chain for what somebody put where no chain was', async () => {
    await write('org_acme');
    await audit.chainEntries();
    await tamper(`INSERT INTO audit_entries SELECT 1000, environment, 'org_made_up', 1, time, action, connection_id, content,
      salt, content_hash, hash, seal FROM audit_entries WHERE ${OF_ACME}`);
    expect(await accept('org_made_up')).toEqual({ position: 1 });
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([
      ['org_made_up', null, 'chain_missing'],
      ['org_made_up', 1, 'changed'],
    ]);
  });

  it('misses a chain that was taken out as a whole however long ago it began, until a person had it go on', async () => {
    await write('org_acme');
    await write('org_beta');
    await audit.chainEntries();
    for (let month = 0; month < 3; month += 1) {
      clock.move(31 * DAY);
      await write('org_acme', 3);
      await audit.chainEntries();
      await audit.sweep(clock.now());
      expect(await audit.verify()).toMatchObject({ intact: true });
      await audit.chainEntries();
      expect(await audit.verify()).toMatchObject({ intact: true, chains: 3, entries: 5 });
    }
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    const missing = [['org_acme', null, 'chain_missing']];
    expect(faultsOf(await audit.verify())).toEqual(missing);
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual(missing);
    expect(await accept('org_acme')).toEqual({ position: 0 });
    expect(faultsOf(await audit.verify())).toEqual(missing);
    clock.move(31 * DAY);
    await audit.chainEntries();
    await audit.sweep(clock.now());
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true });
  });

  it('misses an old chain that was taken out as a whole and began anew', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_restarted']]);
  });

  it('compares what was written down before with the chains that are asked about, and no others', async () => {
    await write('org_acme', 3);
    await write('org_beta', 3);
    await audit.chainEntries();
    const anchors = await audit.heads();
    clock.move(20 * DAY);
    await write('org_acme');
    await write('org_beta', 3);
    await audit.chainEntries();
    clock.move(11 * DAY);
    await audit.sweep(clock.now());
    const ofAcme = { environment: 'test', tenantId: 'org_acme' };
    expect(await audit.verify(ofAcme, anchors)).toMatchObject({ intact: true, faults: [] });
    const wrong = anchors.map((anchor) => ({ ...anchor, position: anchor.position + 1 }));
    expect(faultsOf(await audit.verify(ofAcme, wrong))).toEqual([['org_acme', 4, 'changed']]);
  });

  it('finds a database that was put back by what was written down before', async () => {
    await write('org_acme', 2);
    await audit.chainEntries();
    const rows = await db.prisma.auditHead.findMany();
    await write('org_acme', 2);
    await audit.chainEntries();
    const anchors = await audit.heads();
    const acme = rows.find(({ tenantId }) => tenantId === 'org_acme');
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position > 2`);
    await db.prisma.auditHead.updateMany({ where: { tenantId: 'org_acme' }, data: { ...acme } });
    // All is as it once was: nothing in the database tells.
    expect(await audit.verify()).toMatchObject({ intact: true });
    expect(faultsOf(await audit.verify({}, anchors))).toEqual([['org_acme', 4, 'cut_off']]);
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

  it('is exported as lines that are checked without database and key', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    const exported = await lines('org_acme');
    expect(exported).toHaveLength(6);
    const [head] = await audit.heads({ tenantId: 'org_acme' });
    expect(await verifyExport(exported)).toEqual({
      ...{ faults: [], entries: 5, erased: 0, firstPosition: 1, position: 5, hash: head?.hash },
    });
    const found = async (changed: readonly string[]) =>
      (await verifyExport(changed))?.faults.map(({ position, fault }) => [position, fault]);
    const third = exported[3] ?? '';
    const without = exported.filter((line) => line !== third);
    expect(await found(without)).toContainEqual([4, 'missing']);
    expect(await found(exported.slice(0, -1))).toEqual([[5, 'cut_off']]);
    const other = third.replace('"revokedAtProvider":true', '"revokedAtProvider":false');
    expect(await found(exported.map((line) => (line === third ? other : line)))).toEqual([[3, 'changed']]);
    const [first = '', one = '', two = '', ...rest] = exported;
    expect(await found([first, two, one, ...rest])).toContainEqual([1, 'out_of_order']);
    expect(await verifyExport(['{}'])).toBeNull();
  });

  it('shows and exports what a newer version wrote as it is', async () => {
    const action = 'connection.lent';
    const who = { type: 'robot', id: 'robot_1', model: 'r2' };
    await db.query(
      'test_newer',
      `INSERT INTO audit_pending (environment, tenant_id, action, time, content) VALUES ('test', 'org_acme', $1, $2, $3::jsonb)`,
      [action, clock.now(), JSON.stringify({ who, where: { zone: 'eu' }, result: 'ok', details: {} })],
    );
    await write('org_acme');
    await audit.chainEntries();
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data.map((entry) => entry.action)).toEqual(['connection.deleted', action]);
    expect(data[1]).toMatchObject({ who, where: { zone: 'eu' } });
    expect(await verifyExport(await lines('org_acme'))).toMatchObject({ faults: [], entries: 2 });
  });

  it('names an exported entry whose contents were written anew without the bytes of its hash', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    const exported = await lines('org_acme');
    const withSecond = (more: object) =>
      verifyExport(
        exported.map((line, at) => (at === 2 ? JSON.stringify({ ...JSON.parse(line), ...more }) : line)),
      );
    const none = { salt: null, who: null, where: null, result: null, details: null };
    for (const forged of [
      { who: { type: 'key', id: 'key_other' } },
      { where: { ip: '192.0.2.1', userAgent: null, instance: null } },
      { result: 'access_denied' },
      { details: {} },
    ]) {
      const found = await withSecond({ ...none, ...forged });
      expect(found?.faults).toMatchObject([{ position: 2, fault: 'changed' }]);
    }
    // As an erasure leaves it.
    expect(await withSecond(none)).toMatchObject({ faults: [], entries: 3, erased: 1 });
  });

  it('forgets what is older than the policy, and proves the rest', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(20 * DAY);
    await write('org_acme', 2);
    await audit.chainEntries();
    const anchors = await audit.heads();
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 6 });
    clock.move(11 * DAY);
    await audit.sweep(clock.now());
    // Of both chains: the product's told that the tenant's began.
    expect(await audit.verify({}, anchors)).toMatchObject({ intact: true, entries: 2, faults: [] });
    expect((await verifyExport(await lines('org_acme')))?.faults).toEqual([]);
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data.map(({ position }) => position)).toEqual([5, 4]);
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position = 4`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 4, 'missing']]);
  });

  it('forgets all of a chain that nothing was added to, and goes on with it', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 0, chains: 2 });
    await write('org_acme');
    await audit.chainEntries();
    // One is the product's: it tells anew that the tenant's chain is there.
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 2 });
  });

  it('takes no tenant that comes after all others were forgotten for a beginning anew', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await write('org_beta');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [], chains: 3 });
  });

  it('keeps what follows an old entry that came late', async () => {
    await appendAudit(db, {
      ...{ environment: 'test', tenantId: 'org_acme', action: 'connection.changed', time: clock.now() },
    });
    await audit.chainEntries();
    const late = clock.now();
    clock.move(29 * DAY);
    await write('org_acme');
    await appendAudit(db, {
      environment: 'test',
      tenantId: 'org_acme',
      action: 'connection.changed',
      time: late,
    });
    await audit.chainEntries();
    clock.move(2 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify({ tenantId: 'org_acme' })).toMatchObject({ intact: true, entries: 2 });
  });

  it('loses the contents of an erased tenant, and proves that the entries were there', async () => {
    await write('org_acme', 3);
    await write('org_beta', 1);
    await audit.eraseTenant('test', 'org_acme', { connections: 1 });
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 7, erased: 3 });
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data.map(({ action, who }) => [action, who])).toEqual([
      ['tenant.erased', { type: 'server' }],
      ...Array.from({ length: 3 }, () => ['connection.deleted', null]),
    ]);
    expect((await verifyExport(await lines('org_acme')))?.faults).toEqual([]);
    await tamper(`UPDATE audit_entries SET content = NULL, salt = NULL WHERE action = 'tenant.erased'`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 4, 'changed']]);
  });

  /** A look at a connection of the tenant, which is counted with all others of its day. */
  const look = (replica: Audit) =>
    replica.noteUse({
      actor: { who: { type: 'key', id: 'key_planted' }, where: null },
      ...{ environment: 'test', tenantId: 'org_acme', connectionId: 'conn_0', action: 'connection.checked' },
      windowSeconds: DAY,
    });
  const stored = async (): Promise<string> => {
    const [row] = await db.query<{ text: string }>(
      'test_stored',
      `SELECT concat((SELECT string_agg(e::text, '') FROM audit_entries e), (SELECT string_agg(c::text, '') FROM audit_counts c),
        (SELECT string_agg(p::text, '') FROM audit_pending p)) AS text`,
      [],
    );
    return row?.text ?? '';
  };

  it('keeps no contents of an erased tenant’s uses that were still being counted for the day', async () => {
    const other = await startAudit(db, clock);
    look(other);
    await other.flushUses();
    look(audit);
    await write('org_acme');
    await audit.eraseTenant('test', 'org_acme', { connections: 1 });
    expect(await stored()).not.toContain('key_planted');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, erased: 2 });
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(
      data
        .filter(({ who }) => who === null)
        .map(({ action }) => action)
        .sort(),
    ).toEqual(['connection.checked', 'connection.deleted']);
  });

  it.each([
    ['within minutes', 60],
    ['a day later', 26 * 3_600],
  ])(
    'takes the contents of uses that another replica tells of %s after an erasure',
    async (_when, seconds) => {
      const other = await startAudit(db, clock);
      look(other);
      await write('org_acme');
      await audit.eraseTenant('test', 'org_acme', { connections: 1 });
      await other.flushUses();
      clock.move(seconds);
      await audit.sweep(clock.now());
      await audit.tick();
      expect(await stored()).not.toContain('key_planted');
      expect(await audit.verify()).toMatchObject({ intact: true, waiting: 0, erased: 2 });
      expect((await verifyExport(await lines('org_acme')))?.faults).toEqual([]);
    },
  );

  it('still tells who erased a tenant after a second erasure', async () => {
    await write('org_acme');
    await audit.eraseTenant('test', 'org_acme', { connections: 7 });
    await audit.chainEntries();
    clock.move(60);
    await audit.eraseTenant('test', 'org_acme', { connections: 0 });
    await audit.chainEntries();
    const filter = { tenantId: 'org_acme', action: 'tenant.erased' as const };
    const { data } = await audit.list('test', filter, { cursor: null, limit: 10 });
    expect(data.map(({ who, details }) => [who, details])).toEqual([
      [{ type: 'server' }, { connections: 0 }],
      [{ type: 'server' }, { connections: 7 }],
    ]);
    await tamper(
      `UPDATE audit_entries SET content = NULL, salt = NULL WHERE action = 'tenant.erased' AND position = 2`,
    );
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 2, 'changed']]);
    expect((await verifyExport(await lines('org_acme')))?.faults).toMatchObject([{ position: 2 }]);
  });
});
