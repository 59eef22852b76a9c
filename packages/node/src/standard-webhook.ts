import { constantTimeEqual } from './constant-time-equal.js';
import { nodeCrypto } from './node-modules.js';
import { webhookInvalid } from './webhook-error.js';
import type { ReceivedWebhook } from './webhook-request.js';
import { checkTimestamp, type TimeWindow } from './webhook-timestamp.js';

const SECRET = /^(?:whsec_)?((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** The key that a secret of Standard Webhooks stands for, or `undefined` where it is not of that form. */
export const standardWebhookKey = (secret: unknown): Buffer | undefined => {
  const encoded = typeof secret === 'string' ? SECRET.exec(secret)?.[1] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
};

/**
 * Checks a webhook by the symmetric scheme of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`. It has several
 * signatures, and several keys may be valid, while a secret is changed: one pair that fits is enough.
 * @throws AuthpipeError `webhook_invalid`
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const checkStandardWebhook = (
  webhook: ReceivedWebhook,
  keys: readonly Buffer[],
  window: TimeWindow,
): void => {
  const id = webhook.header('webhook-id');
  const timestamp = webhook.header('webhook-timestamp');
  const signatures = webhook.header('webhook-signature').split(' ');
  checkTimestamp('webhook-timestamp', timestamp, window);
  const expected = keys.map((key) => {
    const hmac = nodeCrypto().createHmac('sha256', key).update(`${id}.${timestamp}.`).update(webhook.bytes);
    return `v1,${hmac.digest('base64')}`;
  });
  const fits = signatures.some((given) => expected.some((signature) => constantTimeEqual(given, signature)));
  if (fits) return;
  throw webhookInvalid(
    'signature_mismatch',
    "No signature in webhook-signature fits: check that the secret is this endpoint's, and that body is the raw body, as it came in.",
  );
};
