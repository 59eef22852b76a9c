import type { MonotonicMillis } from '../db/database-clock.js';
import type { LeaveToSend } from '../oauth/oauth.js';

/**
 * How old the proof of a lease may be when the request leaves: half of what passes before others take this process for
 * dead. A process that stood still longer (suspended, or starved of its processor) must not send what others may have sent
 * since. The machine's own clock is asked too: in a virtual machine that was paused the counter knows nothing of it, and the
 * clock is set afterwards.
 */
const PROOF_MILLIS = 2_000;

/** The lease did not hold when the request was about to be sent. It was not sent. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** The leave to send one token request, and what became of it. */
export interface TrackedLeave {
  readonly ask: LeaveToSend;
  /** Whether the request has left: then the provider may have acted on it. */
  hasDeparted(): boolean;
  /** Whether the lease was found lost. */
  isLost(): boolean;
  /** Whether the proof was too old when the request was ready to leave, or it was too late for the request. */
  isLate(): boolean;
}

/**
 * Proves the lease when the token request is about to be made, and checks in the turn of its first byte that the proof is
 * young enough still, and that the refresh token may still be used (`isTimely`): its grace may have ended since it was
 * judged, while names were resolved and metadata was fetched.
 */
export const trackLeave = (
  proveLease: () => Promise<boolean>,
  isTimely: () => boolean,
  {
    monotonicMillis,
    wallMillis,
  }: { readonly monotonicMillis: MonotonicMillis; readonly wallMillis: () => number },
): TrackedLeave => {
  let state: 'waiting' | 'lost' | 'late' | 'departed' = 'waiting';
  return {
    ask: async () => {
      const askedAt = { monotonic: monotonicMillis(), wall: wallMillis() };
      if (!(await proveLease())) {
        state = 'lost';
        throw new LeaseLostError('The lease of this refresh went to another process.');
      }
      return () => {
        const ageMillis = Math.max(monotonicMillis() - askedAt.monotonic, wallMillis() - askedAt.wall);
        if (ageMillis > PROOF_MILLIS) {
          state = 'late';
          throw new LeaseLostError('The proof of the lease is too old.');
        }
        if (!isTimely()) {
          state = 'late';
          throw new LeaseLostError('The time in which the refresh token may be used is over.');
        }
        state = 'departed';
      };
    },
    hasDeparted: () => state === 'departed',
    isLost: () => state === 'lost',
    isLate: () => state === 'late',
  };
};
