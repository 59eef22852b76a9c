import { ConnectError } from './connect-error.js';

const TOKEN = /^aps_([\w-]+)\../;

/**
 * Reads the Authpipe server's URL out of a session token: `aps_<base64url of the URL>.<secret>`.
 * @returns the URL without a trailing slash.
 * @throws ConnectError `unauthorized` when the string is no session token.
 */
export function readServerUrl(token: string): string {
  const base64 = TOKEN.exec(token)?.[1] ?? '';
  try {
    return trimServerUrl(atob(base64.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    throw new ConnectError(
      'unauthorized',
      'That is no session token: give the `token` of POST /v1/connect-sessions.',
    );
  }
}

/** The server's URL: the given one, else the one that the token names. @throws ConnectError */
export const serverUrlOf = (token: string, baseUrl: string | undefined): string =>
  baseUrl === undefined ? readServerUrl(token) : trimServerUrl(baseUrl);

/**
 * A server URL without its trailing slashes.
 * @throws ConnectError `server_unreachable` when it is no http or https URL.
 */
export function trimServerUrl(url: string): string {
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new ConnectError(
      'server_unreachable',
      'baseUrl is not a URL: give the public URL of your Authpipe server.',
    );
  }
  return url.replace(/\/+$/, '');
}
