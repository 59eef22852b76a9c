import { isLoopbackHost } from '@authpipe/providers';
import { Problem } from '../errors/problem.js';
import { isAddress, isPublicAddress } from '../oauth/public-address.js';

const refused = (detail: string): Problem =>
  new Problem('invalid_request', `The body field /url is not valid: ${detail}.`, {
    errors: [{ pointer: '/url', detail }],
  });

/**
 * An endpoint's URL as it is kept. What a name resolves to is looked at with every connection, not here.
 * @param allowLoopback development: loopback hosts, over plain HTTP too
 * @throws Problem `invalid_request`
 */
export const checkEndpointUrl = (given: string, allowLoopback: boolean): string => {
  const url = new URL(given);
  const isOwnLoopback = allowLoopback && isLoopbackHost(url.hostname);
  if (url.protocol !== 'https:' && !(isOwnLoopback && url.protocol === 'http:')) {
    throw refused('must begin with https://');
  }
  if (url.username !== '' || url.password !== '') throw refused('must hold no user name and no password');
  if (url.hash !== '') throw refused('must have no fragment');
  const isPrivate = isAddress(url.hostname) ? !isPublicAddress(url.hostname) : isLoopbackHost(url.hostname);
  if (isPrivate && !isOwnLoopback) throw refused('must be a host on the public internet');
  return url.href;
};
