import { secondsBetween } from '../clock.js';
import type { StoredCredential } from '../credentials/credential-record.js';
import { Problem } from '../errors/problem.js';

/** A token that is so young is as good as a new one; of a short life a tenth, so that something is left to ask for. */
const LARGEST_YOUTH_SECONDS = 60;
const YOUTH_OF_LIFETIME = 1 / 10;
/** Where a new token can't last either, it is not asked for before this part of the life of the one there is. */
const LONGER_THAN_ANY = 1 / 2;

/** What deciding needs of a stored credential. */
export type ValidToken = Pick<StoredCredential, 'issuedAt' | 'expiresAt' | 'connection'>;

/** Whether an access token is valid for so many seconds more; one without a known end is. */
export const isValidFor = ({ expiresAt }: ValidToken, seconds: number, now: Date): boolean =>
  expiresAt === null || secondsBetween(now, expiresAt) >= seconds;

/**
 * Refuses a refresh that is asked for only to get a token of a longer validity, where the token is young or the provider's
 * tokens do not live so long: a caller who asks again and again must not reach the provider each time. How long they live
 * is known from the token that is held, unless that was imported and proved nothing yet: its whole life is not known.
 * @throws Problem `invalid_request` with the most that can be asked for
 */
export const checkValidity = (
  { issuedAt, expiresAt, connection }: ValidToken,
  minValiditySeconds: number,
  now: Date,
): void => {
  if (expiresAt === null || connection.status === 'unverified') return;
  const lifetimeSeconds = secondsBetween(issuedAt, expiresAt);
  const youthSeconds = Math.min(LARGEST_YOUTH_SECONDS, lifetimeSeconds * YOUTH_OF_LIFETIME);
  const isBeyond = minValiditySeconds > lifetimeSeconds;
  const waitSeconds = isBeyond ? lifetimeSeconds * LONGER_THAN_ANY : youthSeconds;
  if (secondsBetween(issuedAt, now) >= waitSeconds) return;
  const most = Math.max(0, Math.floor(lifetimeSeconds - youthSeconds));
  const detail = `must be at most ${most}: the provider's tokens live for ${Math.floor(lifetimeSeconds)} s, and this one is not old`;
  throw new Problem('invalid_request', `minValiditySeconds ${detail}.`, {
    connectionId: connection.id,
    errors: [{ pointer: '/minValiditySeconds', detail }],
  });
};
