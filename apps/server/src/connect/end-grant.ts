import type { OAuth, TokenGrant, TokenTarget } from '../oauth/oauth.js';

/**
 * Ends a grant that is not to be kept, by its refresh token where it has one: that takes the access token along.
 * @returns whether the provider confirmed; false also where it could not be asked, as nothing more can be done then
 */
export const endGrant = (
  { revoke }: Pick<OAuth, 'revoke'>,
  target: TokenTarget,
  { accessToken, refreshToken }: Pick<TokenGrant, 'accessToken' | 'refreshToken'>,
): Promise<boolean> =>
  (refreshToken === null
    ? revoke(target, accessToken, 'access_token')
    : revoke(target, refreshToken, 'refresh_token')
  ).catch(() => false);
