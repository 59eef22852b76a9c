import type { HttpAnswer } from '@authpipe/providers';
import type { Clock } from '../clock.js';

/** A clock that was never set tells 1970 or the year that its device was built: such a `Date` is not gone by. */
const EARLIEST_PLAUSIBLE = Date.UTC(2020, 0, 1);
/** The last year that the HTTP date format writes with four digits. */
const LATEST_PLAUSIBLE = Date.UTC(9999, 11, 31);

/** The weekday that all three forms begin with. `Date.parse` alone would take `120.5` for a year. */
const BEGINS_WITH_WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun)/i;
/** The asctime form ends with the year and names no zone; it is in UTC all the same. */
const ENDS_WITH_YEAR = /\s\d{4}$/;

/** An HTTP date in any of its three forms; null for what is none. @see RFC 9110 section 5.6.7 */
export const parseHttpDate = (text: string): Date | null => {
  const trimmed = text.trim();
  if (!BEGINS_WITH_WEEKDAY.test(trimmed)) return null;
  const millis = Date.parse(ENDS_WITH_YEAR.test(trimmed) ? `${trimmed} GMT` : trimmed);
  return Number.isNaN(millis) ? null : new Date(millis);
};

/**
 * Seconds from now until an instant that a provider told, negative once it has passed. The instant is in the provider's
 * clock, so it is measured from the answer's own `Date` (RFC 9110 section 6.6.1), and neither clock has to be right.
 * From our clock where the answer has no `Date`, or one that no set clock shows.
 */
export const secondsUntil = (instant: Date, headers: HttpAnswer['headers'], clock: Clock): number => {
  const answeredAt = parseHttpDate(headers.date ?? '')?.getTime() ?? Number.NaN;
  const isPlausible = answeredAt >= EARLIEST_PLAUSIBLE && answeredAt <= LATEST_PLAUSIBLE;
  return (instant.getTime() - (isPlausible ? answeredAt : clock.now().getTime())) / 1000;
};
