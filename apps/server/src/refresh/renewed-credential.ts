import type { OAuthCodeMethod } from '@authpipe/providers';
import type { CredentialSecrets } from '../credentials/credential-record.js';
import {
  accessTokenExpiry,
  expiringNoticeAt,
  refreshDueAt,
  refreshEndAfterRefresh,
} from '../credentials/refresh-schedule.js';
import type { ClaimedCredential, RefreshedCredential } from '../credentials/refresh-store.js';
import type { TokenGrant } from '../oauth/oauth.js';

/** Secrets of a grant that can be refreshed. */
export type OAuthSecrets = Extract<CredentialSecrets, { kind: 'oauth2' | 'client_credentials' }>;

/** What a token answer makes of a credential, sealed for the next version. */
export const renewedCredential = (
  claimed: ClaimedCredential,
  {
    secrets,
    method,
    grant,
    issuedAt,
    fraction,
  }: {
    readonly secrets: OAuthSecrets;
    readonly method: OAuthCodeMethod;
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
    // An answer without a refresh token means that the old one stays good (RFC 6749 section 6).
    envelope: claimed.sealNext({
      ...secrets,
      accessToken: grant.accessToken,
      refreshToken: grant.refreshToken ?? secrets.refreshToken,
    }),
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
      idleLifetimeSeconds: method.refreshToken.idleLifetimeSeconds,
      refreshInvalidatesAccessToken: method.refreshToken.refreshInvalidatesAccessToken,
    }),
    expiringAt: isSameEnd ? claimed.expiringAt : expiringNoticeAt(issuedAt, refreshExpiresAt),
    rotates: grant.refreshToken !== null && grant.refreshToken !== secrets.refreshToken,
    scopes: grant.scopes ?? claimed.connection.scopes,
  };
};
