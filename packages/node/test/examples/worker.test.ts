import { afterEach, describe, expect, it } from '@jest/globals';
import { syncTenants } from '../../examples/worker/sync-tenants.js';
import { createStage, ref, type Stage } from './stage.js';

let stage: Stage | undefined;
afterEach(() => stage?.authpipe.close());

describe('the worker example', () => {
  it('goes through all tenants in a few requests, and tells of connections that a person has to mend', async () => {
    stage = createStage();
    const { authpipe, testing } = stage;
    const tenantIds = ['org_1', 'org_2', 'org_3'];
    for (const tenantId of tenantIds) {
      for (let user = 1; user <= 30; user += 1)
        await testing.connect({ ...ref, tenantId, userId: `u${user}` });
    }
    await testing.connect({ ...ref, tenantId: 'org_of_nobody_asked' });
    await testing.needsReconnect({ ...ref, tenantId: 'org_2', userId: 'u7' });

    const stored = new Map<string, number>();
    const report = await syncTenants(authpipe, tenantIds, async ({ tenantId }, people) => {
      stored.set(tenantId, (stored.get(tenantId) ?? 0) + people.length);
    });
    expect([...stored]).toEqual([
      ['org_1', 60],
      ['org_2', 58],
      ['org_3', 60],
    ]);
    expect(report.synced).toHaveLength(89);
    expect(report.needReconnect).toEqual(['conn_test_37']);
    expect(report.failed).toEqual([]);
    expect(testing.requests().length).toBeLessThan(20);
  });

  it('goes on where one provider refuses', async () => {
    stage = createStage();
    const { authpipe, testing, refused } = stage;
    await testing.connect({ ...ref, userId: 'u1' }, { credential: 'refused', kind: 'api_key' });
    await testing.connect({ ...ref, userId: 'u2' });
    refused.add('refused');
    const report = await syncTenants(authpipe, [ref.tenantId], async () => undefined);
    expect(report).toEqual({ synced: ['conn_test_2'], needReconnect: ['conn_test_1'], failed: [] });
  });
});
