import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { createModelDisk } from './support/model-disk.js';
import { anyHistory, everyHistory } from './support/model-histories.js';
import type { Omissions } from './support/model-store.js';
import type { Action } from './support/model-world.js';

const disk = createModelDisk();
jest.unstable_mockModule('node:fs/promises', () => disk.module);
const { BrokenPromiseError, runHistory } = await import('./support/model-world.js');

const OKTA = { graceSeconds: 30, introspects: true };
const SEED = 20_261_124;
const RUNS = 800;

const run = (
  actions: readonly Action[],
  traits: {
    readonly omit?: Omissions;
    readonly revives?: boolean;
    readonly graceSeconds?: number;
    readonly introspects?: boolean;
  } = {},
): Promise<void> => runHistory({ ...OKTA, revives: true, disk: disk.files, ...traits }, actions);

const holds = (traits: Parameters<typeof run>[1] & { readonly introspects?: boolean }): Promise<void> =>
  fc.assert(
    fc.asyncProperty(anyHistory, fc.boolean(), (actions, revives) => run(actions, { ...traits, revives })),
    { numRuns: RUNS, seed: SEED },
  );

const step = (owner: number, count: number): Action[] =>
  Array.from({ length: count }, () => ({ kind: 'step', owner, fate: 'done' }));
const move = (seconds: number): Action => ({ kind: 'move', seconds });

describe('refresh by two servers, step by step', () => {
  it('keeps its promises in every history of one fault and two switches', async () => {
    for (const history of everyHistory()) {
      await run(history);
      // Whoever died may be gone for good, with its disk.
      if (history.some(({ kind }) => kind === 'crash')) await run(history, { revives: false });
    }
  });

  it('keeps its promises in any history of many faults', () => holds({}));

  it('keeps them where the provider has no introspection', () => holds({ introspects: false }));

  it('keeps them where the provider has no grace', () => holds({ graceSeconds: 0 }));

  it('does not send a refresh token whose grace ended while the request was made ready', () =>
    run([
      ...[...step(0, 6), { kind: 'crash', owner: 0 } as const, move(27)],
      ...[...step(1, 3), move(4), ...step(1, 4)],
    ]));

  it('does not take a refresh token in its grace for an unused one', () =>
    run([
      // The intent is on record, and nothing is sent: the first use comes late, and its answer is lost.
      ...[...step(0, 5), { kind: 'crash', owner: 0 } as const, move(27)],
      ...[
        ...step(1, 6),
        { kind: 'crash', owner: 1 } as const,
        { kind: 'restart', owner: 0 } as const,
        move(29),
      ],
      ...[...step(0, 4), move(2), ...step(0, 5)],
    ]));

  it.each([true, false])('waits for a spool from the end of an outage (introspection: %s)', (introspects) =>
    run(
      [
        ...[...step(0, 6), { kind: 'outage', on: true } as const, ...step(0, 1), move(91)],
        ...[{ kind: 'outage', on: false } as const, ...step(1, 8), ...step(0, 8)],
      ],
      { introspects },
    ),
  );

  it('looks before it uses the refresh token of a lost rotation that is tried by hand', () =>
    run([
      ...[...step(0, 6), { kind: 'crash', owner: 0 } as const, move(61), ...step(1, 4)],
      ...[{ kind: 'force', owner: 1 } as const, ...step(1, 8)],
    ]));
});

describe('the same histories miss each part of the protocol that is left out', () => {
  const failureOfAny = async (omit: Omissions): Promise<unknown> => {
    const property = fc.asyncProperty(anyHistory, fc.boolean(), (actions, revives) =>
      run(actions, { omit, revives }),
    );
    // As it was found: the shortest such history is for people to read.
    const { errorInstance } = await fc.check(property, { numRuns: 3_000, seed: SEED, endOnFailure: true });
    return errorInstance;
  };
  const failureOfEvery = async (omit: Omissions): Promise<unknown> => {
    for (const history of everyHistory()) {
      const failure = await run(history, { omit }).catch((error: unknown) => error);
      if (failure) return failure;
    }
    return null;
  };
  const LOST = /an update was lost|a reconnect was overwritten/;
  const ENDED = /a family was ended by reuse|a living grant was called dead|a reconnect was overwritten/;

  it.each<[what: string, left: string, omit: Omissions, told: RegExp]>([
    ['a lost update', 'the fence of the write', { fence: true }, LOST],
    ['an ended family', 'the read under the lease', { rereadAfterClaim: true }, ENDED],
    ['a false reconnect', 'the read after `invalid_grant`', { rereadOnInvalidGrant: true }, /living grant/],
    ['an ended family', 'the lease that is proved before the call', { leaseCheck: true }, /ended by reuse/],
    ['an ended family', 'the intent', { intent: true }, /ended by reuse/],
    [
      'an ended family',
      'the age of the proof as the request leaves',
      { lateDeparture: true },
      /ended by reuse/,
    ],
    ['an ended family', 'the look before a doubtful use', { lookBeforeUse: true }, /ended by reuse/],
    ['a lost connection', 'the spool', { spool: true }, /was lost that could be saved/],
  ])('finds %s when %s is left out', async (_what, _left, omit, told) => {
    const failure = await (omit.lateDeparture ? failureOfEvery(omit) : failureOfAny(omit));
    expect(failure).toBeInstanceOf(BrokenPromiseError);
    expect(String(failure)).toMatch(told);
  });
});
