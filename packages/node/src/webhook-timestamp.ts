import { invalidRequest } from './errors.js';
import { webhookInvalid } from './webhook-error.js';

/** Long enough for a slow delivery and clocks that differ, short for somebody who sends an old webhook again. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

/** How far a webhook's own time may be from now. */
export interface TimeWindow {
  readonly nowMillis: number;
  readonly toleranceSeconds: number;
}

/** @throws AuthpipeError `invalid_request` */
export const checkTolerance = (seconds: number): number => {
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= 86_400) return seconds;
  throw invalidRequest('toleranceSeconds must be from 0 to 86,400.', '/toleranceSeconds');
};

/**
 * Checks a header that holds seconds since 1970.
 * @throws AuthpipeError `webhook_invalid` when it is another thing, too old, or too far in the future
 */
export const checkTimestamp = (name: string, value: string, window: TimeWindow): void => {
  if (!/^\d{1,12}$/.test(value)) {
    throw webhookInvalid('header_malformed', `The header ${name} is not a number of seconds since 1970.`);
  }
  const ageSeconds = Math.floor(window.nowMillis / 1_000) - Number(value);
  if (ageSeconds > window.toleranceSeconds) {
    throw webhookInvalid(
      'timestamp_too_old',
      `The webhook was signed ${ageSeconds} s ago, more than ${window.toleranceSeconds} s: an old one was sent again, or this machine's clock is ahead.`,
    );
  }
  if (-ageSeconds > window.toleranceSeconds) {
    throw webhookInvalid(
      'timestamp_in_future',
      `The webhook was signed ${-ageSeconds} s in the future, more than ${window.toleranceSeconds} s: check this machine's clock.`,
    );
  }
};
