/** How a refresh treats the refresh token: keep it (`STATIC`, Okta's default for web apps) or replace it (`ROTATE`). */
export type RotationMode = 'STATIC' | 'ROTATE';

/** What the org does with tokens. Everything here can be changed while it runs; a change holds for the next request. */
export interface TokenSettings {
  /** Life of the access tokens issued from now on, in seconds. Okta's org server: 3600, fixed. */
  accessTokenLifetimeSeconds: number;
  rotation: RotationMode;
  /** How long a replaced refresh token may still be used, in seconds: 0 to 60 at Okta, 30 unless set. */
  graceSeconds: number;
}

/** Okta's values for the org authorization server and a web app. */
export const OKTA_TOKEN_SETTINGS: Readonly<TokenSettings> = {
  accessTokenLifetimeSeconds: 3600,
  rotation: 'STATIC',
  graceSeconds: 30,
};

/** Throws `RangeError` with what to give instead, where a setting is none that the org can work with. */
export function checkTokenSettings(settings: TokenSettings): TokenSettings {
  const { accessTokenLifetimeSeconds, rotation, graceSeconds } = settings;
  if (!Number.isSafeInteger(accessTokenLifetimeSeconds) || accessTokenLifetimeSeconds < 1) {
    throw new RangeError('accessTokenLifetimeSeconds must be a whole number of seconds, 1 or more.');
  }
  if (rotation !== 'STATIC' && rotation !== 'ROTATE') {
    throw new RangeError('rotation must be STATIC or ROTATE.');
  }
  if (!Number.isSafeInteger(graceSeconds) || graceSeconds < 0 || graceSeconds > 60) {
    throw new RangeError('graceSeconds must be a whole number from 0 to 60, as at Okta.');
  }
  return settings;
}
