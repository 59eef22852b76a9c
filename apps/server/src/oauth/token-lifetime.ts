import type { ExpiresInUnit } from '@authpipe/providers';

/** Longer than any token lives: beyond it a provider's figure is a mistake (milliseconds, say). */
export const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400;

/** How long a token lives, as an answer tells it. */
export interface TokenLifetime {
  /** Whole seconds, 1 or more; null where the answer does not say, or says nothing of use. */
  readonly expiresInSeconds: number | null;
  /** What was odd about the value, for the log; null where nothing was. Never a text of the provider. */
  readonly oddity: string | null;
}

/** A number as JSON or a form would write it, and nothing behind it. */
const NUMERIC = /^\s*[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*$/i;

const numberOf = (value: unknown): number => {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && NUMERIC.test(value) ? Number(value) : Number.NaN;
};

const missing = (oddity: string | null): TokenLifetime => ({ expiresInSeconds: null, oddity });

/**
 * Reads `expires_in` and its like. A number written as text and decimals (rounded down) are taken as they are meant.
 * `null`, what is no number, and anything below one second count as missing; more than ten years is cut at ten years.
 * All of these are oddities; a value that is simply not there is none, since providers may leave it out.
 * @see RFC 6749 section 5.1
 */
export const readTokenLifetime = (value: unknown, unit: ExpiresInUnit = 'seconds'): TokenLifetime => {
  if (value === undefined) return missing(null);
  if (value === null) return missing('is null');
  const told = numberOf(value);
  if (Number.isNaN(told)) return missing('is no number');
  const seconds = Math.floor(unit === 'milliseconds' ? told / 1000 : told);
  if (told < 0) return missing('is negative');
  if (seconds === 0) return missing('is zero');
  return seconds > LONGEST_LIFETIME_SECONDS
    ? { expiresInSeconds: LONGEST_LIFETIME_SECONDS, oddity: 'is more than ten years' }
    : { expiresInSeconds: seconds, oddity: null };
};
