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
   * Only with a new version of the credential: the provider ended the previous access token, so that whoever holds it
   * must not use it again. Left out: the previous one works until its own end.
   */
  invalidatesPrevious: z.boolean().optional(),
});
export type AuthpipeEvent = z.infer<typeof authpipeEvent>;
