import { createHmac } from 'node:crypto';
import type { AuthpipeEvent } from '@authpipe/types';
import { invalidRequest } from '../errors.js';
import { standardWebhookKey } from '../standard-webhook.js';

/** A webhook as the server sends it: what a test hands to the route under test. */
export interface SignedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Signs an event as the server does.
 * @param secret of the endpoint, `whsec_…`
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const signWebhook = (event: AuthpipeEvent, secret: string, nowMillis: number): SignedWebhook => {
  const key = standardWebhookKey(secret);
  if (key === undefined) throw invalidRequest('A webhook secret is whsec_ and base64.', '/secret');
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(nowMillis / 1_000));
  const signature = createHmac('sha256', key).update(`${event.id}.${timestamp}.${body}`).digest('base64');
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  };
};
