import type { TokenMethod } from '@authpipe/providers';
import {
  accessTokenExpiry,
  expiringNoticeAt,
  learnedLifetimeSeconds,
  refreshDueAt,
  refreshEndAfterRefresh,
} from '../credentials/refresh-schedule.js';
import type { ClaimedCredential, RefreshedCredential } from '../credentials/refresh-store.js';
import type { DpopKey } from '../oauth/dpop-key.js';
import type { TokenGrant } from '../oauth/oauth.js';
import { renewedSecrets, type TokenSecrets } from './renewal.js';

/** How long an access token lives: by its answer, else as was learned; `isNew`: learned by this very refresh. */
export const lifetimeOf = (
  { integration, issuedAt, expiresAt, suspectedReason }: ClaimedCredential,
  { expiresInSeconds }: TokenGrant,
  now: Date,
): { readonly seconds: number | null; readonly isNew: boolean } => {
  const learned = integration?.learnedLifetimeSeconds ?? null;
  if (expiresInSeconds !== null) return { seconds: expiresInSeconds, isNew: false };
  // The old token was refused though nobody knew of an end, and the grant lives: that was its end.
  const isRefused = expiresAt === null && suspectedReason !== null;
  return isRefused
    ? { seconds: learnedLifetimeSeconds(issuedAt, now, learned), isNew: true }
    : { seconds: learned, isNew: false };
};

/** What a token answer makes of a credential, sealed for the next version. */
export const renewedCredential = (
  claimed: ClaimedCredential,
  {
    secrets,
    dpopKey,
    method,
    grant,
    issuedAt,
    fraction,
  }: {
    readonly secrets: TokenSecrets;
    /** The key that the new token is bound to. */
    readonly dpopKey: DpopKey | undefined;
    readonly method: TokenMethod;
    /** With the lifetime that was learned, where the answer tells none. */
    readonly grant: TokenGrant;
    readonly issuedAt: Date;
    /** In [0, 1): jitter. */
    readonly fraction: number;
  },
): RefreshedCredential => {
  const expiresAt = accessTokenExpiry(issuedAt, grant.expiresInSeconds);
  const refreshExpiresAt = refreshEndAfterRefresh({
    method,
    grant,
    issuedAt,
    inherited: claimed.refreshExpiresAt,
  });
  const isSameEnd = refreshExpiresAt?.getTime() === claimed.refreshExpiresAt?.getTime();
  return {
    envelope: claimed.sealNext(renewedSecrets(secrets, grant, dpopKey)),
    tokenType: grant.tokenType,
    issuedAt,
    expiresAt,
    refreshExpiresAt,
    refreshAt: refreshDueAt({
      issuedAt,
      expiresAt,
      hasRefreshToken: true,
      fraction,
      isFresh: true,
      ...(method.kind === 'oauth2' ? method.refreshToken : {}),
    }),
    expiringAt: isSameEnd ? claimed.expiringAt : expiringNoticeAt(issuedAt, refreshExpiresAt),
    rotates: grant.refreshToken !== null && grant.refreshToken !== secrets.refreshToken,
    scopes: grant.scopes ?? claimed.connection.scopes,
    invalidatesPrevious:
      method.kind === 'oauth2' && method.refreshToken.refreshInvalidatesAccessToken === true,
  };
};
