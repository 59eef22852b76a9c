import fc from 'fast-check';
import type { Action } from './model-world.js';

/** Seconds that fall before and after a death (4 s), a lease (15 s), the grace (30 s) and the wait for a spool (60 s). */
const PAUSES = [0.5, 1, 3, 5, 12, 16, 27, 31] as const;
/** Begin, claim, read, prepare, record the intent, send, hear the answer, write. */
const STEPS_OF_A_REFRESH = 8;

const owner = fc.integer({ min: 0, max: 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      owner,
      fate: fc.constant('done' as const),
    }),
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
      kind: fc.constantFrom(...(['sweep', 'force', 'crash', 'restart', 'freeze', 'thaw'] as const)),
      owner,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('move' as const), seconds: fc.constantFrom(...PAUSES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('outage' as const, 'overload' as const),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('reconnect' as const, 'revoke' as const) }),
  },
);

/** What befalls two servers, at random. */
export const anyHistory: fc.Arbitrary<Action[]> = fc.array(action, { maxLength: 60, size: 'max' });

const step = (number: number, count: number): Action[] =>
  Array.from({ length: count }, () => ({ kind: 'step', owner: number, fate: 'done' }));

/** What befalls the first server after some of its steps, … */
const FAULTS: readonly (readonly Action[])[] = [
  [{ kind: 'freeze', owner: 0 }],
  [{ kind: 'crash', owner: 0 }],
  [{ kind: 'step', owner: 0, fate: 'unsent' }],
  [{ kind: 'step', owner: 0, fate: 'unheard' }],
  [],
];
/** … how long it is before the second begins, and before the first goes on. */
const FIRST_PAUSES = [0, 5, 16, 28, 31] as const;
const SECOND_PAUSES = [0, 5, 31, 61] as const;

/**
 * Every history in which one server gets up to any step of its refresh, meets any fault, and any time later the other
 * gets up to any step of its own; then the first goes on after any time, and so do all.
 */
export function* everyHistory(): Generator<Action[]> {
  for (const fault of FAULTS) {
    for (const pause of FIRST_PAUSES) {
      for (const later of SECOND_PAUSES) {
        for (let first = 0; first <= STEPS_OF_A_REFRESH; first += 1) {
          for (let second = 0; second <= STEPS_OF_A_REFRESH; second += 1) {
            yield [
              ...[...step(0, first), ...fault, { kind: 'move', seconds: pause } as const],
              ...[...step(1, second), { kind: 'move', seconds: later } as const],
            ];
          }
        }
      }
    }
  }
}
