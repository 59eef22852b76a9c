import type { TokenRequestRecord } from '../org/index.js';
import { longestAvailableMillis } from './availability.js';
import { type Ledger, type MadeConnection, requestsOf } from './ledger.js';

/** A process that ran for longer than this after an answer had come could have kept it, in the database or in a file. */
export const SAVE_MILLIS = 1_000;

/**
 * Somebody who could work for so long in one piece could have tried again: a dead owner's lease is free within 5 s, and
 * the rest is for finding the work and asking.
 */
export const RETRY_MILLIS = 7_000;

/** Whether a loss could have been prevented by anybody, and why so. */
export interface Proof {
  readonly isProven: boolean;
  /** One sentence. */
  readonly because: string;
}

const avoidable = (because: string): Proof => ({ isProven: false, because });
const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`;

/** How long a process ran between two moments; frozen is not running. */
function ranMillis({ freezes }: Ledger, caller: string, fromMillis: number, toMillis: number): number {
  return freezes
    .filter((freeze) => freeze.caller === caller)
    .reduce((left, freeze) => {
      const from = Math.max(freeze.fromMillis, fromMillis);
      const to = Math.min(freeze.toMillis ?? Number.POSITIVE_INFINITY, toMillis);
      return left - Math.max(0, to - from);
    }, toMillis - fromMillis);
}

/** `null` when nobody can have kept the answer; else who could. */
function whoCouldKeep(ledger: Ledger, rotation: TokenRequestRecord): string | null {
  if (!rotation.delivered) return null;
  const life = ledger.lives.find(({ caller }) => caller === rotation.caller);
  if (!life) return 'somebody unknown got the answer';
  const decidedAt = rotation.decidedAtMillis ?? rotation.endedAtMillis;
  if (life.end !== 'killed' || life.endedAtMillis === null)
    return `${life.caller} got the answer and was not killed`;
  const ran = ranMillis(ledger, life.caller, decidedAt, life.endedAtMillis);
  return ran > SAVE_MILLIS
    ? `${life.caller} got the answer and ran for another ${seconds(ran)} before it was killed`
    : null;
}

/**
 * Decides from the ledger alone whether a lost connection was past saving. It was only where all of this holds:
 * - the org used up the refresh token that was kept last, and what it gave for it was never used;
 * - no answer that the org gave for it can have been kept: lost on the way, or its receiver was killed at once;
 * - after each of these answers, nobody was able to try (again) until the grace, which runs from the first use, was over.
 *
 * Whatever the ledger does not tell is taken against the system.
 */
export function proveUnavoidable(ledger: Ledger, connection: MadeConnection): Proof {
  const requests = requestsOf(ledger, connection);
  const rotations = requests.filter(
    ({ issuedRefreshToken, usedRefreshToken }) => issuedRefreshToken !== null && usedRefreshToken !== null,
  );
  const last = rotations.at(-1);
  if (!last) return avoidable('its refresh token was never used up, so it is good at the org');
  const answers = rotations.filter(({ usedRefreshToken }) => usedRefreshToken === last.usedRefreshToken);
  const issued = new Set(answers.map(({ issuedRefreshToken }) => issuedRefreshToken));
  if (requests.some(({ usedRefreshToken }) => usedRefreshToken !== null && issued.has(usedRefreshToken)))
    return avoidable('the last refresh token that the org gave was used, so it had been kept');
  for (const answer of answers) {
    const keeper = whoCouldKeep(ledger, answer);
    if (keeper !== null) return avoidable(keeper);
  }
  const firstUsedAt = answers.map(({ firstUsedAtMillis }) => firstUsedAtMillis).find((at) => at !== null);
  if (firstUsedAt === undefined || firstUsedAt === null)
    return avoidable('the org does not tell when the refresh token was used first');
  const graceEndsAt = firstUsedAt + ledger.graceMillis;
  const enoughMillis = Math.min(RETRY_MILLIS, ledger.graceMillis / 2);
  for (const [index, answer] of answers.entries()) {
    const from = answer.decidedAtMillis ?? answer.endedAtMillis;
    const to = Math.min(answers[index + 1]?.arrivedAtMillis ?? graceEndsAt, graceEndsAt);
    const available = longestAvailableMillis(ledger, from, to);
    if (available > enoughMillis)
      return avoidable(
        `after answer ${index + 1} of ${answers.length} was lost, a refresh was possible for ${seconds(available)} within the grace, and nobody tried`,
      );
  }
  return {
    isProven: true,
    because: `no answer for its refresh token (${answers.length}) could be kept, and nobody was able to try again within the grace of ${seconds(ledger.graceMillis)}`,
  };
}
