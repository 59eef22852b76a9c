import { expect, it } from '@jest/globals';
import { verifyExport } from '../src/audit/verify-export.js';
import type { Database } from '../src/db/database.js';
import { chainHands, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('an exported audit chain', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, lines } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
  });

  it('is exported as lines that are checked without database and key', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    const exported = await lines('org_acme');
    expect(exported).toHaveLength(6);
    const [head] = await audit.heads({ tenantId: 'org_acme' });
    expect(await verifyExport(exported)).toEqual({
      ...{ faults: [], entries: 5, erased: 0, firstPosition: 1, position: 5, hash: head?.hash },
      ...{ anchored: null, anchoredBeyond: null },
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
});
