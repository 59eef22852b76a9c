import { expect, it } from '@jest/globals';
import { asActor } from '../src/actor.js';
import { verifyExport } from '../src/audit/verify-export.js';
import type { Database } from '../src/db/database.js';
import { startAudit } from './support/audit-world.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('the audit of an erased tenant', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper, accept, lines } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
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
  const look = (replica: StartedAudit) =>
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

  it('keeps no contents that wait behind a chain which somebody else wrote into, and says so', async () => {
    const id = 'key_planted';
    const note = () => asActor({ who: { type: 'key', id }, where: null }, () => write('org_acme'));
    await note();
    await audit.chainEntries();
    await tamper(`UPDATE audit_heads SET erased_at = now() - interval '1 day' WHERE ${OF_ACME}`);
    await note();
    await audit.eraseTenant('test', 'org_acme', { connections: 1 });
    expect(await stored()).not.toContain(id);
    expect(audit.logText()).toContain('not proved');
    await accept('org_acme');
    await audit.chainEntries();
    expect(await stored()).not.toContain(id);
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 10 });
    expect(data.map(({ action, who }) => [action, who])).toEqual([
      ['tenant.erased', { type: 'server' }],
      ['connection.deleted', null],
      ['connection.deleted', null],
    ]);
  });
});
