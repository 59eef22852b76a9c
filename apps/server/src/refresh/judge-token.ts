import type { Clock } from '../clock.js';
import type { ClaimedCredential, RefreshStore } from '../credentials/refresh-store.js';
import type { Renewal } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import { createLookBeforeUse, type LookDependencies } from './doubtful-grant.js';
import type { RenewalTarget } from './find-target.js';
import type { SaveFailure } from './refresh-failure.js';
import type { TokenSecrets } from './renewal.js';
import { rotationStanding } from './rotation.js';

/** Whose grant it is, by when it was issued; `deployment/` tells. */
export type ProvenanceOf = (issuedAt: Date) => 'own' | 'unproven' | 'foreign';

export interface JudgeDependencies extends LookDependencies {
  readonly store: Pick<RefreshStore, 'saveDeadGrant'>;
  readonly clock: Clock;
  readonly provenanceOf: ProvenanceOf;
  readonly saveFailure: SaveFailure;
  /** Has it looked at again then; no failure is counted. */
  readonly putOff: (claimed: ClaimedCredential, lookAgainAt: Date) => Promise<unknown>;
}

/** Leave to use a refresh token. */
export interface Judgement {
  readonly claimed: ClaimedCredential;
  /** Whether the leave still holds: asked as the request leaves. */
  readonly isTimely: () => boolean;
}

/** What is to be used. */
export interface JudgedAttempt {
  readonly claimed: ClaimedCredential;
  readonly secrets: TokenSecrets;
  readonly renewal: Renewal;
  readonly found: RenewalTarget;
  /** Whether a caller waits for the outcome and is told. */
  readonly isAskedFor: boolean;
  /** Whether it is made to see how others do. */
  readonly isWitness: boolean;
}

/** Judges whether the stored refresh token may be used; resolves to `null` where not: what follows from that is written. */
export const createJudgeToken = (dependencies: JudgeDependencies) => {
  const { store, clock, provenanceOf, saveFailure, putOff } = dependencies;
  const lookBeforeUse = createLookBeforeUse(dependencies);

  return async ({
    claimed,
    secrets,
    renewal,
    found,
    ...attempt
  }: JudgedAttempt): Promise<Judgement | null> => {
    if (renewal.grant !== 'refresh_token') return { claimed, isTimely: () => true };
    const { method } = found.target;
    const isPastGrace = (): boolean => rotationStanding(method, claimed, clock.now()) === 'past_grace';
    const isTimely = (): boolean => !isPastGrace();
    const isDoubtful = provenanceOf(claimed.issuedAt) === 'unproven' || isPastGrace();
    if (!isDoubtful) return { claimed, isTimely };
    try {
      const doubt = await lookBeforeUse(found.target, claimed, renewal.refreshToken);
      if (doubt.use) {
        // It was never used: from here on it is as if no answer were missing.
        if (doubt.isUnused) return { claimed: { ...claimed, refreshIntentAt: null }, isTimely: () => true };
        return { claimed, isTimely: isPastGrace() ? () => true : isTimely };
      }
      if (doubt.lookAgainAt) await putOff(claimed, doubt.lookAgainAt);
      else await store.saveDeadGrant(claimed, 'rotation_lost');
    } catch (error) {
      if (!(error instanceof TokenRequestError)) throw error;
      await saveFailure(claimed, found, {
        ...{ error, secrets, hasDeparted: false },
        ...{ isAskedFor: attempt.isAskedFor, isWitness: attempt.isWitness },
      });
    }
    return null;
  };
};
