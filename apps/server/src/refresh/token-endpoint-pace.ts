import type { TokenRateLimit } from '@authpipe/providers';
import { addSeconds } from '../clock.js';

/** Failures in a row, over all connections and replicas, after which nobody asks for a while. */
export const FAILURES_TO_OPEN = 5;

const FIRST_OPEN_SECONDS = 5;
const LONGEST_OPEN_SECONDS = 300;
/** 5 s doubled six times is past the longest. */
const OPEN_STEPS = 7;
/** A provider that says longer than this is asked all the same. */
const LONGEST_RETRY_AFTER_SECONDS = 3600;

/**
 * For how long an endpoint stays closed to all, by how often it was tried in vain before: 5 s, doubling, 300 s at most,
 * each shortened by up to its half so that replicas and deployments don't fall into step. `fraction` is in [0, 1).
 */
export const openSecondsByStep = (fraction: number): number[] =>
  Array.from(
    { length: OPEN_STEPS },
    (_, step) => Math.min(LONGEST_OPEN_SECONDS, FIRST_OPEN_SECONDS * 2 ** step) * (1 - fraction / 2),
  );

/** `Retry-After` as far as it is honoured: an hour at most, zero where nothing was said. */
export const toldSeconds = (retryAfterSeconds: number | null): number =>
  Math.min(Math.max(retryAfterSeconds ?? 0, 0), LONGEST_RETRY_AFTER_SECONDS);

/**
 * A rate as a line of slots (GCRA): each request takes the next one, `intervalMillis` after the last, and may come up to
 * `toleranceMillis` ahead of it.
 */
export interface Pace {
  readonly intervalMillis: number;
  readonly toleranceMillis: number;
}

/** The share of a limit's window that is given up, so that what is sent evenly and arrives unevenly stays within it … */
const WINDOW_MARGIN = 0.05;
/** … and the least of it: the network delays one request by about so much more than another. */
const SHORTEST_MARGIN_MILLIS = 1000;

/**
 * The pace that keeps a vendor's limit in any window of its length, wherever it begins: with window W, margin M and
 * interval (W + M) / requests, a window holds ⌊(W + tolerance) / interval⌋ + 1 requests, which is no more than allowed
 * while the tolerance is below M. Half of M is tolerance, the other half is left to the network.
 */
export const limitPace = ({ requests, perSeconds }: TokenRateLimit): Pace => {
  const windowMillis = perSeconds * 1000;
  const marginMillis = Math.max(SHORTEST_MARGIN_MILLIS, windowMillis * WINDOW_MARGIN);
  return {
    intervalMillis: Math.ceil((windowMillis + marginMillis) / requests),
    toleranceMillis: Math.floor(marginMillis / 2),
  };
};

const RECOVERY_FIRST_PER_SECOND = 5;
const RECOVERY_STEP_SECONDS = 7.5;
const RECOVERY_STEPS = 8;
/** How long an endpoint that came back is asked at a limited rate. */
export const RECOVERY_SECONDS = RECOVERY_STEP_SECONDS * RECOVERY_STEPS;

/** Whether an endpoint that came back at `closedAt` is still taken back slowly. */
export const isRecovering = (closedAt: Date | null, now: Date): closedAt is Date =>
  closedAt !== null && now < addSeconds(closedAt, RECOVERY_SECONDS);

/**
 * The pace at which an endpoint that came back at `closedAt` is asked: 5 a second, twice as many every 7.5 s, for a minute.
 * A second's worth may come at once, as sweeps do. `null` when the minute is over.
 */
export const recoveryPace = (closedAt: Date | null, now: Date): Pace | null => {
  if (!isRecovering(closedAt, now)) return null;
  const step = Math.max(0, Math.floor((now.getTime() - closedAt.getTime()) / 1000 / RECOVERY_STEP_SECONDS));
  const intervalMillis = Math.ceil(1000 / (RECOVERY_FIRST_PER_SECOND * 2 ** step));
  return { intervalMillis, toleranceMillis: 1000 - intervalMillis };
};

/**
 * A moment of the recovery for one who found no place: at random, and the likelier the higher the rate is by then, so that
 * those who wait come as the rate rises and not all at its end. `fraction` is in [0, 1).
 */
export const momentOfRecovery = (closedAt: Date, fraction: number): Date =>
  addSeconds(closedAt, Math.max(0, RECOVERY_SECONDS + RECOVERY_STEP_SECONDS * Math.log2(1 - fraction)));

/** The slower of two paces, with the lesser tolerance: both limits hold. */
export const slowerPace = (one: Pace | null, other: Pace | null): Pace | null =>
  one && other
    ? {
        intervalMillis: Math.max(one.intervalMillis, other.intervalMillis),
        toleranceMillis: Math.min(one.toleranceMillis, other.toleranceMillis),
      }
    : (one ?? other);
