const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** A length of time in the largest unit that divides it: 3600 → `1 hour`, 5400 → `90 minutes`. */
export function durationInWords(seconds: number): string {
  for (const [unit, unitSeconds] of UNITS) {
    if (seconds % unitSeconds !== 0) continue;
    const count = seconds / unitSeconds;
    return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return `${seconds} seconds`;
}
