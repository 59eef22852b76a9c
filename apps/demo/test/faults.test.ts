import { describe, expect, test } from '@jest/globals';
import { findPostgresPrograms } from '../../../scripts/postgres-cluster.mjs';
import { runKills } from '../src/faults/run-kills.js';
import { isServerBuildFresh } from './support/server-build.js';

const hasPostgres = findPostgresPrograms() !== null;
if (!hasPostgres) {
  process.stderr.write(
    'NOTICE: "refreshing through kills and outages" does not run: Postgres is not installed, and it stops one of its own.\n',
  );
}

(hasPostgres ? describe : describe.skip)('refreshing through kills and outages', () => {
  // A short `npm run faults`: it takes about a minute.
  test('loses no connection to 12 kills, a stopped database and a frozen server', async () => {
    const told: string[] = [];
    const { figures } = await runKills(
      {
        world: {
          connections: 40,
          tokenSeconds: 6,
          graceSeconds: 60,
          servers: 3,
          deploymentId: 'faults',
          fromSources: !isServerBuildFresh(),
        },
        chaos: {
          seed: 3,
          kills: 12,
          killEveryMillis: 2_000,
          calmMillis: 1_000,
          troubleMillis: { database_down: 4_000, server_frozen: 20_000 },
        },
        settleMillis: 60_000,
        progressEveryMillis: 5_000,
      },
      (line) => told.push(line),
    );
    // Unavoidable losses are no failure: each was proven, from what the org saw, to be past saving.
    const { duplicateRefreshes, unavoidable, ...rest } = figures;
    const story = told.join('\n');
    const harmed = story.split(/^(?=HARMED )/m).slice(1);
    expect({ ...rest, harmed }).toEqual({
      faults: 'refresh',
      kills: 12,
      connections: 40,
      lost: 0,
      falseReconnects: 0,
      familyRevocations: 0,
      expiredServed: 0,
      harmed: [],
    });
    expect(story.match(/^UNAVOIDABLE /gm) ?? []).toHaveLength(unavoidable);
    expect(duplicateRefreshes).toBeGreaterThanOrEqual(0);
  });
});
