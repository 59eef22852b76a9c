import { expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { createModelDisk } from './support/model-disk.js';
import type { Action } from './support/model-world.js';

const disk = createModelDisk();
jest.unstable_mockModule('node:fs/promises', () => disk.module);
const { runHistory } = await import('./support/model-world.js');

const owner = fc.integer({ min: 0, max: 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constant('step' as const), owner, fate: fc.constant('done' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      owner,
      fate: fc.constantFrom('unsent' as const, 'unheard' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'sweep' as const,
        'force' as const,
        'crash' as const,
        'restart' as const,
        'freeze' as const,
        'thaw' as const,
      ),
      owner,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      seconds: fc.constantFrom(0.5, 1, 3, 5, 12, 16, 27, 31),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('outage' as const, 'overload' as const), on: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reconnect' as const, 'revoke' as const) }) },
);

const cases = [
  {},
  ...[
    'fence',
    'rereadOnInvalidGrant',
    'rereadAfterClaim',
    'leaseCheck',
    'intent',
    'lateDeparture',
    'lookBeforeUse',
    'spool',
  ].map((k) => ({ [k]: true })),
];
it.each(cases)('tries %j', async (omit) => {
  const start = performance.now();
  let n = 0;
  const out = await fc.check(
    fc.asyncProperty(
      fc.array(action, { maxLength: 60, size: 'max' }),
      fc.boolean(),
      async (actions, revives) => {
        n += 1;
        await runHistory({ graceSeconds: 30, introspects: true, revives, disk: disk.files, omit }, actions);
      },
    ),
    { numRuns: Number(process.env.RUNS ?? 1000), seed: Number(process.env.SEED ?? 1) },
  );
  console.log(
    JSON.stringify(omit),
    n,
    out.numRuns,
    performance.now() - start,
    out.failed,
    String(out.errorInstance),
    JSON.stringify(out.counterexample),
  );
});
