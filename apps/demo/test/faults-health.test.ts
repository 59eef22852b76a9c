import { describe, expect, test } from '@jest/globals';
import { findPostgresPrograms } from '../../../scripts/postgres-cluster.mjs';
import { judgeHealth } from '../src/faults/health/health-verdict.js';
import { runHealth } from '../src/faults/health/run-health.js';

const hasPostgres = findPostgresPrograms() !== null;
if (!hasPostgres) {
  process.stderr.write(
    'NOTICE: "health told truly" does not run: Postgres is not installed, and it makes a server of its own.\n',
  );
}

(hasPostgres ? describe : describe.skip)('health told truly', () => {
  // A short `npm run faults -- health`.
  test('detects each of 5 changes once, and none that is not there, through a broken secret and an outage', async () => {
    const told: string[] = [];
    const { figures, broken } = await runHealth(
      {
        ...{ connections: 26, ofSecondIntegration: 11, callsPerMinute: 600, seed: 3, stepSeconds: 30 },
        ...{ grantsRevoked: 2, usersDeactivated: 2, rolesRemoved: 1, outageSeconds: 900 },
      },
      (line) => told.push(line),
    );
    const { detectSecondsP99, ...rest } = figures;
    expect({ ...rest, broken, story: told.join('\n') }).toEqual({
      ...{ faults: 'health', revoked: 5, detected: 5, falsePositives: 0, eventsPerChange: 1, broken: [] },
      story: told.join('\n'),
    });
    expect(detectSecondsP99).toBeLessThanOrEqual(900);
  });
});

describe('the verdict of a run', () => {
  const story = {
    taken: [{ id: 'conn_1', status: 'degraded', reason: 'role_lost' }],
    states: [{ id: 'conn_2', status: 'healthy' }],
    ...{ changedAt: 0, outageAt: 1_000_000, intervalSeconds: 900, mostCalls: 30, allowedCalls: 30 },
  } as const;
  const lost = {
    ...{ type: 'connection.degraded', connectionId: 'conn_1', time: new Date(600_000) },
    payload: { reason: 'role_lost', integration: 'okta', failedApi: 'GET /api/v1/users' },
  };
  const place = (millis: number) => ({
    ...{ type: 'integration.degraded', connectionId: null, time: new Date(millis) },
    payload: { reason: null, integration: 'okta' },
  });
  const good = [lost, place(1), place(2_000_000)];

  test('is good where each change was told once', () => {
    const { figures, broken } = judgeHealth({ ...story, events: good });
    expect(broken).toEqual([]);
    expect(JSON.stringify(figures)).toBe(
      '{"faults":"health","revoked":1,"detected":1,"falsePositives":0,"eventsPerChange":1,"detectSecondsP99":600}',
    );
  });

  test.each([
    ['a change that nobody was told of', good.slice(1)],
    ['a change that was told twice', [...good, lost]],
    [
      'a role that is lost, and no API named',
      [{ ...lost, payload: { ...lost.payload, failedApi: '' } }, ...good.slice(1)],
    ],
    ['a change that was told late', [{ ...lost, time: new Date(901_000) }, ...good.slice(1)]],
    ['an outage that was told twice', [...good, place(3_000_000)]],
    ['a connection told of for nothing', [...good, { ...lost, connectionId: 'conn_2' }]],
  ])('is bad with %s', (_, events) => {
    expect(judgeHealth({ ...story, events }).broken).not.toEqual([]);
  });
});
