import { expect, it } from '@jest/globals';
import { verifyExport } from '../src/audit/verify-export.js';
import { appendAudit } from '../src/db/append-audit.js';
import type { Database } from '../src/db/database.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('an audit of which old entries are forgotten', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper, lines } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
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
    expect(faultsOf(await audit.verify())).toEqual([
      ['org_acme', 4, 'missing'],
      ['org_acme', 5, 'unproved'],
    ]);
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
});
