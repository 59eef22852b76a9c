import { isLoopbackHost } from '@authpipe/providers';

/**
 * What is wrong with a redirect URI, as a sentence; `null` if nothing is. Authorization codes pass through it, so it is
 * `https`, except on this computer in development.
 * @see RFC 6749 section 3.1.2, RFC 9700 section 2.6
 */
export const redirectUriFault = (redirectUri: string, isProduction: boolean): string | null => {
  const url = URL.parse(redirectUri);
  if (!url) return 'must be a URL such as https://authpipe.example.com/connect/callback';
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or a password';
  // `URL` drops the mark of an empty fragment.
  if (redirectUri.includes('#')) return 'must not have a fragment (the part after #)';
  // What comes back is read from the query, and the URI is compared with the one that was sent, without it.
  if (redirectUri.includes('?')) return 'must not have a query (the part after ?)';
  if (url.protocol === 'https:') return null;
  if (url.protocol !== 'http:') return 'must be an https:// URL';
  if (isProduction) return 'must be https:// in production';
  return isLoopbackHost(url.host)
    ? null
    : 'must be https://: only a loopback host may be http:// in development';
};
