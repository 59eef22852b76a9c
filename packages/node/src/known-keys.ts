import { invalidField } from './errors.js';

/** Two slips of the keyboard are one word still, three may be another. */
const MOST_SLIPS = 2;

/**
 * Refuses keys that nothing would read. Most are misspelt, and what they were to say would be lost without a word: a
 * label, a filter, a limit.
 * @throws AuthpipeError `invalid_request`, naming the key and the nearest known one
 */
export const refuseUnknownKeys = (given: object, known: readonly string[]): void => {
  for (const key in given) {
    if (known.includes(key)) continue;
    const near = known.filter((candidate) => isNear(key, candidate));
    const advice = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `;
    throw invalidField(key, `is not known here. ${advice}Known: ${known.join(', ')}`);
  }
};

const isNear = (given: string, known: string): boolean => {
  const [one, other] = [given.toLowerCase(), known.toLowerCase()];
  const isPart = one.length > 2 && (other.includes(one) || one.includes(other));
  return isPart || distance(one, other) <= Math.min(MOST_SLIPS, Math.floor(other.length / 3));
};

/** How many letters have to be put in, taken out, replaced or swapped with the next. */
const distance = (one: string, other: string): number => {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    const at = (up: number, column: number) => (up === 0 ? current : rows[row - up])?.[column] ?? 0;
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current.push(
        Math.min(
          at(1, column) + 1,
          at(0, column - 1) + 1,
          at(1, column - 1) + (isSame ? 0 : 1),
          ...(isSwap && row > 1 && column > 1 ? [at(2, column - 2) + 1] : []),
        ),
      );
    }
    rows.push(current);
  }
  return rows.at(-1)?.at(-1) ?? 0;
};
