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
  'integration.recovered',
  'webhook_endpoint.disabled',
]);
export type EventType = z.infer<typeof eventType>;

/**
 * Why Authpipe disabled a webhook endpoint: `failing`, every attempt of three days failed; `gone`, it answered 410;
 * `deployment_copied`, the database is a copy, and the endpoint is the original's.
 */
export const webhookDisabledReason = z.enum(['failing', 'gone', 'deployment_copied']);
export type WebhookDisabledReason = z.infer<typeof webhookDisabledReason>;

/** One change of a connection, or of what all connections depend on. Never a secret. */
export const authpipeEvent = z.object({
  id: z.string(),
  type: eventType,
  time: z.iso.datetime(),
  environment: z.string(),
  connectionId: z.string().nullable(),
  /** `null` with `webhook_endpoint.disabled`, and with `integration.degraded` where several integrations share the trouble. */
  integration: z.string().nullable(),
  provider: z.string().nullable(),
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
  /** The API that refused the credential, where the reason is about one (`role_lost`): `GET /api/v1/users`. */
  failedApi: z.string().optional(),
  /** With `connection.expiring`: when the grant or the key ends. */
  expiresAt: z.iso.datetime().optional(),
  /** With `webhook_endpoint.disabled`: which, and why. */
  webhookEndpoint: z.object({ id: z.string(), reason: webhookDisabledReason }).optional(),
});
export type AuthpipeEvent = z.infer<typeof authpipeEvent>;
