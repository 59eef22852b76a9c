import { ConnectError } from './connect-error.js';

const PREFIX = 'aps_';

/**
 * Reads the Authpipe server's URL out of a session token: `aps_<base64url of the URL>.<secret>`.
 * @returns the URL without a trailing slash.
 * @throws ConnectError `unauthorized` when the string is no session token.
 */
export function readServerUrl(token: string): string {
  const [head = '', secret] = token.split('.');
  try {
    if (!head.startsWith(PREFIX) || !secret) throw new TypeError('not a session token');
    const base64 = head.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
    return trimServerUrl(atob(base64));
  } catch {
    throw new ConnectError(
      'unauthorized',
      'The session is not a connect session token. Give AuthpipeProvider the `token` that your backend got from POST /v1/connect-sessions.',
    );
  }
}

/**
 * A server URL without its trailing slashes.
 * @throws ConnectError `server_unreachable` when it is no http or https URL.
 */
export function trimServerUrl(url: string): string {
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new ConnectError(
      'server_unreachable',
      'baseUrl is not a URL. Give the public URL of your Authpipe server, such as https://authpipe.example.com.',
    );
  }
  return url.replace(/\/+$/, '');
}
