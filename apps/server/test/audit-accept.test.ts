import { expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

const CUT_BEFORE = 'entries 3 to 5 were cut off before it was accepted';

describeEachEngine('an audit chain that a person has go on', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper, accept } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
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
    expect(await accept('org_acmee')).toBe('unknown');
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

  it('has nothing to accept in a chain that servers go on with by themselves', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    const before = await audit.heads();
    for (const tenantId of ['org_acme', '']) expect(await accept(tenantId)).toBe('whole');
    await audit.chainEntries();
    expect(await audit.heads()).toEqual(before);
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    // All of it was forgotten: it goes on after entry 3.
    expect(await accept('org_acme')).toBe('whole');
    await write('org_acme');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true });
  });

  it('sets no chain back that a server extends while a person accepts it', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    await tamper(`CREATE TABLE taken AS SELECT * FROM audit_entries WHERE ${OF_ACME} AND position = 3`);
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position = 3`);
    let isExtended = false;
    const meanwhile: Database = {
      ...db,
      query: async (name, ...rest) => {
        if (name === 'audit_accept' && !isExtended) {
          isExtended = true;
          await tamper('INSERT INTO audit_entries SELECT * FROM taken');
          await write('org_acme');
          await audit.chainEntries();
        }
        return db.query(name, ...rest);
      },
    };
    expect(await accept('org_acme', meanwhile)).toBe('whole');
    await write('org_acme');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [] });
    expect(await audit.verify({ tenantId: 'org_acme' })).toMatchObject({ entries: 5 });
  });
});
