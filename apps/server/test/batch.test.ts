import { expect, it } from '@jest/globals';
import { createBatch } from '../src/batch.js';

/** Work that waits until a test lets it go on, and remembers what it was given. */
const heldWork = () => {
  const given: (readonly number[])[] = [];
  const releases: (() => void)[] = [];
  return {
    given,
    run: async (items: readonly number[]) => {
      given.push(items);
      await new Promise<void>((resolve) => releases.push(resolve));
      return items.map((item) => item * 10);
    },
    release: () => releases.shift()?.(),
  };
};
const nextTurns = async (turns = 3) => {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

it('calls of one turn are joined, and each gets its own result', async () => {
  const given: (readonly number[])[] = [];
  const double = createBatch<number, number>({
    maxItems: 10,
    concurrency: 1,
    run: async (items) => {
      given.push(items);
      return items.map((item) => item * 2);
    },
  });
  expect(await Promise.all([double(3), double(1), double(3)])).toEqual([6, 2, 6]);
  expect(given).toEqual([[3, 1, 3]]);
});

it('calls that come while others are under way gather for the next, and no more are joined than may be', async () => {
  const work = heldWork();
  const call = createBatch<number, number>({ maxItems: 3, concurrency: 1, run: work.run });
  const first = call(1);
  await nextTurns();
  const rest = [2, 3, 4, 5].map((item) => call(item));
  await nextTurns();
  expect(work.given).toEqual([[1]]);
  work.release();
  expect(await first).toBe(10);
  await nextTurns();
  expect(work.given).toEqual([[1], [2, 3, 4]]);
  work.release();
  await nextTurns();
  expect(work.given).toEqual([[1], [2, 3, 4], [5]]);
  work.release();
  expect(await Promise.all(rest)).toEqual([20, 30, 40, 50]);
});

it('as many are under way at once as may be', async () => {
  const work = heldWork();
  const call = createBatch<number, number>({ maxItems: 2, concurrency: 2, run: work.run });
  const calls = numbers(7).map((item) => call(item));
  await nextTurns();
  expect(work.given).toEqual([
    [1, 2],
    [3, 4],
  ]);
  for (let part = 0; part < 4; part += 1) {
    work.release();
    await nextTurns();
  }
  expect(await Promise.all(calls)).toEqual(numbers(7).map((item) => item * 10));
});

it('calls about the same are not joined into one, and keep their order; the others do not wait for them', async () => {
  const given: (readonly string[])[] = [];
  const call = createBatch<string, string>({
    maxItems: 3,
    concurrency: 1,
    keyOf: (item) => item[0],
    run: async (items) => {
      given.push(items);
      return items.map((item) => item.toUpperCase());
    },
  });
  const calls = ['a1', 'a2', 'b1', 'a3', 'b2', 'c1', 'd1'].map((item) => call(item));
  expect(await Promise.all(calls)).toEqual(['A1', 'A2', 'B1', 'A3', 'B2', 'C1', 'D1']);
  expect(given).toEqual([['a1', 'b1', 'c1'], ['a2', 'b2', 'd1'], ['a3']]);
});

it('what the work throws, all of its calls get, and the next are not touched by it', async () => {
  let isFailing = true;
  const call = createBatch<number, number>({
    maxItems: 2,
    concurrency: 1,
    run: async (items) => {
      if (isFailing) {
        isFailing = false;
        throw new Error('the database is away');
      }
      return items;
    },
  });
  const outcomes = await Promise.allSettled(numbers(4).map((item) => call(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  expect(await call(9)).toBe(9);
});

it('a call without a result is refused, not left waiting', async () => {
  const call = createBatch<number, number>({
    maxItems: 2,
    concurrency: 1,
    run: async (items) => items.slice(1),
  });
  const [first, second] = await Promise.allSettled([call(1), call(2)]);
  expect(first).toEqual({ status: 'fulfilled', value: 2 });
  expect(second).toMatchObject({ status: 'rejected', reason: expect.any(TypeError) });
});
