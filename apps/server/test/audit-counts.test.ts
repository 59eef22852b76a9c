import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Actor } from '../src/actor.js';
import type { Database } from '../src/db/database.js';
import { startAudit } from './support/audit-world.js';
import { describeEachEngine } from './support/databases.js';
import { type TestClock, testClock } from './support/world.js';

const ACTOR: Actor = {
  who: { type: 'key', id: 'key_1' },
  where: { ip: '203.0.113.7', userAgent: null, instance: 'inst_1' },
};

describeEachEngine('uses that are counted for the audit', (open) => {
  let db: Database;
  let clock: TestClock;
  beforeEach(async () => {
    db = await open();
    // The beginning of a minute.
    clock = testClock(new Date('2026-11-25T09:00:00Z'));
  });
  afterEach(() => db.close());

  const read = (audit: Awaited<ReturnType<typeof startAudit>>, more = {}) =>
    audit.noteUse({
      ...{ actor: ACTOR, environment: 'test', tenantId: 'org_acme', connectionId: 'conn_1' },
      ...{ action: 'credential.issued' as const, ...more },
    });
  const counts = async (audit: Awaited<ReturnType<typeof startAudit>>) =>
    (await audit.list('test', { action: 'credential.issued' }, { cursor: null, limit: 100 })).data
      .reverse()
      .map(({ time, details }) => [time, details]);

  it('are one entry a minute, of all replicas', async () => {
    const [one, two] = [await startAudit(db, clock), await startAudit(db, clock)];
    for (let second = 0; second < 150; second += 1) {
      if (second < 120) read(one);
      if (second < 120 && second % 2 === 0) read(two);
      await one.tick();
      await two.tick();
      clock.move(1);
    }
    await one.tick();
    expect(await counts(one)).toEqual([
      ['2026-11-25T09:00:59.000Z', { count: 90, since: '2026-11-25T09:00:00.000Z' }],
      ['2026-11-25T09:01:59.000Z', { count: 90, since: '2026-11-25T09:01:00.000Z' }],
    ]);
    expect(await db.prisma.auditCount.count()).toBe(0);
  });

  it('are told by others when their process dies, but for those of the last seconds', async () => {
    const dying = await startAudit(db, clock);
    await dying.tick();
    for (let second = 0; second < 13; second += 1) {
      read(dying);
      clock.move(1);
      await dying.tick();
    }
    // Dead from here on. It had written after 5 and 10 seconds.
    clock.move(120);
    const other = await startAudit(db, clock);
    await other.tick();
    const [[, details] = []] = await counts(other);
    expect(details).toMatchObject({ count: 10 });
  });

  it('wait in memory while the database is away', async () => {
    let isAway = true;
    const shaken: Database = {
      ...db,
      query: (...given) => (isAway ? Promise.reject(new Error('away')) : db.query(...given)),
    };
    isAway = false;
    const audit = await startAudit(shaken, clock);
    isAway = true;
    read(audit);
    await audit.tick();
    read(audit);
    clock.move(10);
    await audit.tick();
    isAway = false;
    clock.move(90);
    await audit.tick();
    await audit.tick();
    expect(await counts(audit)).toMatchObject([['2026-11-25T09:00:00.000Z', { count: 2 }]]);
    expect(audit.logText().match(/the audit could not be written/g)).toHaveLength(1);
  });

  it('stay within what a column holds: one that a client made up does not stop the others', async () => {
    const audit = await startAudit(db, clock);
    const most = 1_000_000_000;
    for (let times = 0; times < 3; times += 1) read(audit, { connectionId: 'conn_2', count: most });
    await audit.tick();
    read(audit, { connectionId: 'conn_2', count: most });
    read(audit);
    clock.move(90);
    await audit.tick();
    expect((await counts(audit)).map(([, details]) => (details as { count: number }).count).sort()).toEqual([
      1, 2_147_483_647,
    ]);
  });

  it('are apart when who, from where, how it went or what was read is another', async () => {
    const audit = await startAudit(db, clock);
    const other: Actor = { ...ACTOR, where: { ip: '203.0.113.8', userAgent: null, instance: 'inst_1' } };
    read(audit);
    read(audit, { actor: other });
    read(audit, { actor: { ...ACTOR, who: { type: 'key', id: 'key_2' } } });
    read(audit, { connectionId: 'conn_2' });
    read(audit, { details: { version: 2 } });
    read(audit);
    clock.move(90);
    await audit.tick();
    expect((await counts(audit)).map(([, details]) => (details as { count: number }).count).sort()).toEqual([
      1, 1, 1, 1, 2,
    ]);
  });
});
