import { isReplayable, type OutgoingRequest } from './outgoing-request.js';

/** One request of a call: the first, or one that a redirect led to. */
export interface Hop extends Pick<OutgoingRequest, 'method' | 'headers' | 'body'> {
  readonly url: URL;
}

/** A chain that is longer is a loop, or nothing that an API does. */
export const MOST_REDIRECTS = 5;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-type',
];

/**
 * Where a redirect leads, as long as it stays on the origin of the request. `undefined` for what is not followed: no
 * redirect, another origin, a `Location` with a user name, or a body that can't be sent again.
 * @see RFC 9110 section 15.4
 */
export const nextHop = (hop: Hop, response: Response): Hop | undefined => {
  const location = response.headers.get('location');
  if (!REDIRECTS.has(response.status) || location === null || !URL.canParse(location, hop.url.href)) {
    return undefined;
  }
  const url = new URL(location, hop.url.href);
  if (url.origin !== hop.url.origin || url.username !== '' || url.password !== '') return undefined;
  if (!becomesGet(response.status, hop.method)) {
    return isReplayable(hop.body) ? { ...hop, url } : undefined;
  }
  const headers = new Headers(hop.headers);
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, method: 'GET', headers, body: undefined };
};

const becomesGet = (status: number, method: string): boolean =>
  (status === 303 && method !== 'GET' && method !== 'HEAD') ||
  ((status === 301 || status === 302) && method === 'POST');
