import { z } from 'zod';
import { eventType, webhookDisabledReason } from './event.js';

/** How long the secret before goes on signing after a change, unless told: a day. */
export const PREVIOUS_SECRET_SECONDS = 86_400;

const url = z.url('must be a URL').max(2048, 'must be at most 2048 characters');
const description = z.string().max(500, 'must be at most 500 characters');
const eventTypes = z.array(eventType).max(50);

/** Body of `POST /v1/webhook-endpoints`. */
export const webhookEndpointRequest = z.strictObject({
  /** Where events are sent to: `https://`, a host of the public internet. */
  url,
  /** What it is for, for people. */
  description: description.optional(),
  /** Which events are sent. Left out or empty: all, also those that a newer version adds. */
  eventTypes: eventTypes.optional(),
  /** Default `true`. */
  enabled: z.boolean().optional(),
});
export type WebhookEndpointRequest = z.input<typeof webhookEndpointRequest>;

/** Body of `PATCH /v1/webhook-endpoints/{id}`: what is left out stays as it is. */
export const webhookEndpointChange = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  eventTypes: eventTypes.optional(),
  /** `false` pauses it. `true` goes on where it stopped, as far as events are kept. */
  enabled: z.boolean().optional(),
});
export type WebhookEndpointChange = z.input<typeof webhookEndpointChange>;

/** A webhook endpoint without its secret. */
export const webhookEndpoint = z.object({
  id: z.string(),
  environment: z.string(),
  url: z.string(),
  description: z.string(),
  /** Empty: all. */
  eventTypes: z.array(eventType),
  enabled: z.boolean(),
  /** Why Authpipe disabled it; `null` where it is enabled, or a person disabled it. */
  disabledReason: webhookDisabledReason.nullable(),
  disabledAt: z.iso.datetime().nullable(),
  /** Since when every attempt has failed; `null` where the last one did not. */
  failingSince: z.iso.datetime().nullable(),
  /** Until when the secret before goes on signing; `null` where there is none. */
  previousSecretUntil: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type WebhookEndpoint = z.infer<typeof webhookEndpoint>;

/** A webhook endpoint with its new secret, which is shown this once. Secret: never log it. */
export const webhookEndpointWithSecret = webhookEndpoint.extend({
  /** `whsec_…`, for `verifyWebhook`. */
  secret: z.string(),
});
export type WebhookEndpointWithSecret = z.infer<typeof webhookEndpointWithSecret>;

/** Body of `POST /v1/webhook-endpoints/{id}/rotate-secret`. */
export const rotateWebhookSecretRequest = z.strictObject({
  /** How long webhooks are signed with the secret before, too. Default: a day. 0: no longer, because it leaked. */
  previousValidForSeconds: z.int().min(0).max(604_800).optional(),
});
export type RotateWebhookSecretRequest = z.input<typeof rotateWebhookSecretRequest>;

/** `pending`: still to be made, or to be made again; `failed`: given up, and kept for a replay. */
export const webhookDeliveryStatus = z.enum(['pending', 'delivered', 'failed']);
export type WebhookDeliveryStatus = z.infer<typeof webhookDeliveryStatus>;

/** Why the last attempt got no answer that counts. */
export const webhookDeliveryFault = z.enum([
  'status',
  'redirect',
  'timeout',
  'network',
  'too_large',
  'forbidden',
]);
export type WebhookDeliveryFault = z.infer<typeof webhookDeliveryFault>;

/** One event on its way to one endpoint. */
export const webhookDelivery = z.object({
  /** Also sent as `webhook-id`. */
  eventId: z.string(),
  type: eventType,
  connectionId: z.string().nullable(),
  /** Of the event. */
  time: z.iso.datetime(),
  status: webhookDeliveryStatus,
  attempts: z.int(),
  lastAttemptAt: z.iso.datetime().nullable(),
  /** HTTP status of the last answer. */
  lastStatus: z.int().nullable(),
  lastError: webhookDeliveryFault.nullable(),
});
export type WebhookDelivery = z.infer<typeof webhookDelivery>;

/** A page of deliveries, newest event first; `nextCursor` is `null` on the last. */
export const webhookDeliveryPage = z.object({
  data: z.array(webhookDelivery),
  nextCursor: z.string().nullable(),
});
export type WebhookDeliveryPage = z.infer<typeof webhookDeliveryPage>;

/** Body of `POST /v1/webhook-endpoints/{id}/replay`: events by their time, those at `until` left out. */
export const webhookReplayRequest = z.strictObject({
  since: z.iso.datetime({ offset: true }),
  /** Default: now. */
  until: z.iso.datetime({ offset: true }).optional(),
  /** `true`: only what did not arrive. Default `false`: all of them, again. */
  onlyUndelivered: z.boolean().optional(),
});
export type WebhookReplayRequest = z.input<typeof webhookReplayRequest>;

/** How many deliveries were put in line. */
export const webhookReplay = z.object({ queued: z.int() });
export type WebhookReplay = z.infer<typeof webhookReplay>;
