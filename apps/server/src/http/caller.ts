import type { AuditWhere } from '@authpipe/types';
import type { Request } from 'express';
import type { ApiKeyIdentity } from '../access/api-key-store.js';
import type { Actor } from '../actor.js';

/** Enough to tell clients apart; a longer text is somebody's own business. */
const MAX_USER_AGENT = 200;
/** A socket for both families tells of IPv4 addresses in this form. */
const MAPPED_IPV4 = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;
const INSTANCE = /^[A-Za-z0-9._-]{1,64}$/;

/** Where a request comes from. The address is as true as the proxies that `AUTHPIPE_TRUSTED_PROXIES` counts. */
export const whereOf = (request: Request): AuditWhere => {
  const instance = request.get('authpipe-instance');
  return {
    ip: request.ip?.replace(MAPPED_IPV4, '') ?? null,
    userAgent: request.get('user-agent')?.slice(0, MAX_USER_AGENT) ?? null,
    instance: instance !== undefined && INSTANCE.test(instance) ? instance : null,
  };
};

/** Who calls with an API key. */
export const keyActor = ({ id, name }: ApiKeyIdentity, where: AuditWhere): Actor => ({
  who: { type: 'key', id, ...(name === undefined ? {} : { name }) },
  where,
});
