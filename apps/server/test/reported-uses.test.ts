import { describe, expect, it } from '@jest/globals';
import { createReportedUses } from '../src/audit/reported-uses.js';

const reportOf = (tenantId: string) => ({
  actor: {
    who: { type: 'key' as const, id: `key_of_${tenantId}` },
    where: { ip: null, userAgent: null, instance: null },
  },
  ...{ environment: 'test', tenantId, connectionId: `conn_of_${tenantId}`, count: 1 },
});

describe('uses that clients report', () => {
  it('wait, each of them, while it can not be looked up whose they are', async () => {
    const noted: string[] = [];
    let isAway = true;
    const uses = createReportedUses(
      { note: ({ tenantId }) => void noted.push(String(tenantId)) },
      async (ids, _environment, tenantId) => {
        if (isAway && tenantId === 'org_b') throw new Error('The database is away.');
        return new Map(ids.map((id) => [id, tenantId ?? '']));
      },
    );
    for (const tenantId of ['org_a', 'org_b', 'org_c']) uses.report(reportOf(tenantId));
    await expect(uses.resolve()).rejects.toThrow('away');
    expect(noted).toEqual(['org_a', 'org_c']);
    isAway = false;
    await uses.resolve();
    expect(noted).toEqual(['org_a', 'org_c', 'org_b']);
    await uses.resolve();
    expect(noted).toHaveLength(3);
  });
});
