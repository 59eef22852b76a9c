import type { TokenErrorVerdict, TokenMethod } from '@authpipe/providers';
import type { StatusReason } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { ClaimedCredential } from '../credentials/refresh-store.js';
import { mayRotate } from './rotation.js';

/** The provider counted the end from when the person consented, a little before we did. */
const END_TOLERANCE_SECONDS = 60;

/**
 * Why a grant that the provider calls dead is dead:
 * - its known end has come: `refresh_token_expired`;
 * - an earlier refresh was begun and never heard of, and the provider may have rotated then: `rotation_lost`;
 * - else what the provider says, or `revoked`.
 */
export const deadReason = (
  verdict: TokenErrorVerdict,
  stored: Pick<ClaimedCredential, 'refreshExpiresAt' | 'refreshIntentAt' | 'rotates'>,
  method: TokenMethod,
  now: Date,
): StatusReason => {
  if (stored.refreshExpiresAt && stored.refreshExpiresAt <= addSeconds(now, END_TOLERANCE_SECONDS)) {
    return 'refresh_token_expired';
  }
  const told = verdict.reason ?? 'revoked';
  const mayHaveRotated = stored.refreshIntentAt !== null && mayRotate(method, stored);
  return mayHaveRotated && told === 'revoked' ? 'rotation_lost' : told;
};
