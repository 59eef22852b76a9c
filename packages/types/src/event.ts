import { z } from 'zod';
import { connectionStatus, statusReason } from './connection.js';
import { connectionOwner, metadata } from './identity.js';

export const eventType = z.enum([
  'connection.created',
  'connection.updated',
  'credential.refreshed',
  'connection.degraded',
  'connection.needs_reconnect',
  'connection.recovered',
  'connection.expiring',
  'connection.deleted',
  'integration.degraded',
]);
export type EventType = z.infer<typeof eventType>;

/** One change of a connection. Never a secret. */
export const authpipeEvent = z.object({
  id: z.string(),
  type: eventType,
  time: z.iso.datetime(),
  environment: z.string(),
  connectionId: z.string().nullable(),
  integration: z.string(),
  provider: z.string(),
  tenantId: z.string().nullable(),
  owner: connectionOwner.nullable(),
  userId: z.string().nullable(),
  label: z.string().nullable(),
  version: z.int().nullable(),
  status: connectionStatus.nullable(),
  reason: statusReason.nullable(),
  metadata,
  /**
   * With `credential.refreshed`: the provider ended the access token that was given before, so a copy of it is of no use
   * any more. Left out where the old one works to its own end.
   */
  invalidatesPrevious: z.literal(true).optional(),
});
export type AuthpipeEvent = z.infer<typeof authpipeEvent>;
