import { expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { startAudit } from './support/audit-world.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('the checkpoints of the audit', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper, accept } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
  });
  const checkpoint = async () => {
    await audit.checkpoint();
    await audit.chainEntries();
  };
  const checkpoints = async () => {
    const filter = { action: 'audit.checkpoint' as const };
    const { data } = await audit.list('test', filter, { cursor: null, limit: 500 });
    return data.map(({ details }) => details?.chains as string[]);
  };
  /** Puts the chain back to an end that it had: as genuine as it was then. */
  const keepHead = () => tamper(`CREATE TABLE kept_head AS SELECT * FROM audit_heads WHERE ${OF_ACME}`);
  const putBack = async () => {
    await tamper(
      `DELETE FROM audit_entries WHERE ${OF_ACME} AND position > (SELECT position FROM kept_head)`,
    );
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    await tamper('INSERT INTO audit_heads SELECT * FROM kept_head');
  };

  it('miss an end that was cut off by putting an earlier word on it back, also when the chain went on', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    await keepHead();
    await write('org_acme', 2);
    await audit.chainEntries();
    await checkpoint();
    expect(await audit.verify()).toMatchObject({ intact: true });
    await putBack();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 5, 'cut_off']]);
    expect(await audit.verify({ tenantId: 'org_beta' })).toMatchObject({ intact: true });
    await write('org_acme', 4);
    await audit.chainEntries();
    for (const replica of [audit, await startAudit(db, clock)]) {
      await replica.checkpoint();
      await audit.chainEntries();
      expect(faultsOf(await audit.verify())).toEqual([['org_acme', 5, 'changed']]);
    }
  });

  it('are written of chains that moved, once for all replicas', async () => {
    await write('org_acme', 2);
    await write('org_beta');
    await audit.chainEntries();
    await checkpoint();
    const [acme, beta] = (await audit.heads()).filter(({ tenantId }) => tenantId !== '');
    expect(await checkpoints()).toEqual([[`2 ${acme?.hash} org_acme`, `1 ${beta?.hash} org_beta`]]);
    const other = await startAudit(db, clock);
    await other.checkpoint();
    await checkpoint();
    expect(await checkpoints()).toHaveLength(1);
    await write('org_beta');
    await audit.chainEntries();
    await checkpoint();
    expect((await checkpoints())[0]).toEqual([expect.stringMatching(/^2 [0-9a-f]{64} org_beta$/)]);
    await other.checkpoint();
    await audit.chainEntries();
    expect(await checkpoints()).toHaveLength(2);
  });

  it('are small however many chains moved', async () => {
    for (let tenant = 0; tenant < 41; tenant += 1) await write(`org_${tenant}`);
    await audit.chainEntries();
    await checkpoint();
    expect((await checkpoints()).map(({ length }) => length)).toEqual([1, 20, 20]);
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 42 });
  });

  it('find no fault in a chain that forgot where it stood', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(20 * DAY);
    await checkpoint();
    clock.move(11 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [] });
    await write('org_acme');
    await audit.chainEntries();
    await checkpoint();
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await audit.chainEntries();
    await checkpoint();
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [] });
  });

  it('begin anew with a chain that a person accepted, of which it is told apart', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await checkpoint();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position > 2`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 3, 'cut_off']]);
    await accept('org_acme');
    await write('org_acme');
    await audit.chainEntries();
    await checkpoint();
    expect((await checkpoints())[0]).toEqual([expect.stringMatching(/^3 [0-9a-f]{64} org_acme$/)]);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', 3, 'cut_off']]);
  });
});
