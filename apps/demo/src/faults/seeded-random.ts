/** Chance that can be had again: the same seed gives the same numbers. */
export interface SeededRandom {
  /** In [0, 1). */
  fraction(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  /** One of them. Throws `RangeError` where there is none. */
  pick<T>(from: readonly T[]): T;
  /** All of them in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** Mulberry32: 32 bits of state, good enough to spread kills. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction,
    between: (from, to) => from + (to - from) * fraction(),
    pick<T>(from: readonly T[]): T {
      const index = Math.floor(fraction() * from.length);
      if (!(index in from)) throw new RangeError('There is nothing to pick from.');
      return from[index] as T;
    },
    shuffled<T>(items: readonly T[]): T[] {
      return items
        .map((item) => ({ item, rank: fraction() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item);
    },
  };
}
