import type { Credential } from '@authpipe/types';
import { AuthpipeError } from '../errors.js';

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;
/** `new URL` drops control characters and reads `\` as `/`: what is sent would not be what was written. */
const TREACHEROUS = /[\p{Cc}]|^[^?#]*\\|^ | $/u;

/**
 * The URL that a call goes to: on the origin of the credential's `baseUrl`, the only one that may see the credential.
 * A path is put below `baseUrl`, whose own path stays.
 * @throws AuthpipeError `invalid_request` for any other origin, and for a credential that is not for calling an API
 */
export const targetUrl = (input: string, credential: Credential): URL => {
  const base = baseOf(credential);
  const refuse = (what: string) => refused(what, base, credential);
  if (TREACHEROUS.test(input))
    throw refuse('The address holds a backslash, a control character or a space at an end');
  if (input.startsWith('//')) throw refuse('The address begins with //, which names another host');
  const isPath = !ABSOLUTE.test(input);
  const url = parse(isPath ? below(base, input) : input);
  if (url === undefined) throw refuse('The address is not a URL');
  if (url.username !== '' || url.password !== '') throw refuse('The address holds a user name or password');
  if (url.origin !== base.origin) throw refuse(`The address is on ${nameOf(url)}`);
  if (isPath && !`${url.pathname}/`.startsWith(`${pathOf(base)}/`)) {
    throw refuse('The path leaves the API by ".."');
  }
  return url;
};

/** The one origin that a credential may be sent to. */
export const allowedOrigin = (credential: Credential): string => baseOf(credential).origin;

const baseOf = (credential: Credential): URL => {
  const { baseUrl, kind, connectionId } = credential;
  if (kind === 'webhook_secret') {
    throw new AuthpipeError(
      'invalid_request',
      'This connection holds a webhook secret, which opens no API: use another connection of the provider.',
      { connectionId },
    );
  }
  const base = baseUrl === null ? undefined : parse(baseUrl);
  if (base === undefined) {
    throw new AuthpipeError(
      'invalid_request',
      "Authpipe does not know where this connection's API is (its baseUrl is null), so the credential is sent nowhere: check the provider's settings of the connection, such as its domain.",
      { connectionId },
    );
  }
  return base;
};

const below = (base: URL, path: string): string =>
  `${base.origin}${pathOf(base)}${path === '' || /^[/?#]/.test(path) ? '' : '/'}${path}`;

const pathOf = (base: URL): string => base.pathname.replace(/\/+$/, '');

const parse = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** Never the whole URL: a query may hold a secret. */
const nameOf = ({ origin, protocol }: URL): string => (origin === 'null' ? protocol : origin);

const refused = (what: string, base: URL, { connectionId }: Credential): AuthpipeError =>
  new AuthpipeError(
    'invalid_request',
    `${what}. This credential is sent to ${base.origin} only: give a path, such as /users, or a URL there.`,
    { connectionId },
  );
