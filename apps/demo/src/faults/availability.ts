import type { Ledger, ServerLife, Span } from './ledger.js';

/** A server that takes longer to start is not excused by it. */
const START_MILLIS = 20_000;

const endOf = ({ toMillis }: Span): number => toMillis ?? Number.POSITIVE_INFINITY;

const covers = (span: Span, atMillis: number): boolean =>
  span.fromMillis <= atMillis && atMillis < endOf(span);

/**
 * When a server's process could work. Only what the harness did to it counts against it: a process that ended by itself
 * counts as one that works until the next one of its server does.
 */
function workingSpan(life: ServerLife, lives: readonly ServerLife[]): Span | null {
  const readyBy = Math.min(
    life.readyAtMillis ?? Number.POSITIVE_INFINITY,
    life.startedAtMillis + START_MILLIS,
  );
  let toMillis = life.endedAtMillis;
  if (life.end === 'died') {
    const next = lives.find(
      (one) => one.server === life.server && one.startedAtMillis > life.startedAtMillis,
    );
    toMillis = next ? (next.readyAtMillis ?? next.startedAtMillis + START_MILLIS) : null;
  }
  return toMillis !== null && toMillis <= readyBy ? null : { fromMillis: readyBy, toMillis };
}

/**
 * The longest time in one piece, within two moments, in which a refresh could have been made: some server worked and was
 * not frozen, the database ran, and the org's token endpoint answered.
 */
export function longestAvailableMillis(ledger: Ledger, fromMillis: number, toMillis: number): number {
  if (toMillis <= fromMillis) return 0;
  const working = ledger.lives.flatMap((life) => {
    const span = workingSpan(life, ledger.lives);
    return span ? [{ ...span, caller: life.caller }] : [];
  });
  const spans: readonly Span[] = [
    ...working,
    ...ledger.freezes,
    ...ledger.databaseDown,
    ...ledger.orgTrouble,
  ];
  const bounds = spans.flatMap((span) => [span.fromMillis, endOf(span)]);
  const points = [...new Set([fromMillis, toMillis, ...bounds])]
    .filter((point) => point >= fromMillis && point <= toMillis)
    .sort((a, b) => a - b);
  const isAvailable = (atMillis: number): boolean =>
    !ledger.databaseDown.some((span) => covers(span, atMillis)) &&
    !ledger.orgTrouble.some((span) => covers(span, atMillis)) &&
    working.some(
      (life) =>
        covers(life, atMillis) &&
        !ledger.freezes.some((freeze) => freeze.caller === life.caller && covers(freeze, atMillis)),
    );
  let longest = 0;
  let since: number | null = null;
  for (const [index, point] of points.entries()) {
    const next = points[index + 1];
    if (next === undefined || !isAvailable((point + next) / 2)) {
      since = null;
      continue;
    }
    since ??= point;
    longest = Math.max(longest, next - since);
  }
  return longest;
}
