import type { Request } from 'express';
import { Problem } from '../errors/problem.js';

const BEARER = /^Bearer ([A-Za-z0-9_\-.~+/]+=*)$/i;

/**
 * The API key that a request is made with. @see RFC 6750 section 2.1
 * @throws Problem `unauthorized` where there is none
 */
export const presentedKey = (request: Request): string => {
  const match = BEARER.exec(request.get('authorization') ?? '');
  if (!match?.[1]) {
    throw new Problem('unauthorized', 'Send an API key as "Authorization: Bearer ap_…".');
  }
  return match[1];
};
