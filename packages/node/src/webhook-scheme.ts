import type { WebhookScheme } from '@authpipe/types';
import { constantTimeEqual } from './constant-time-equal.js';
import { invalidRequest } from './errors.js';
import { nodeCrypto } from './node-modules.js';
import { checkStandardWebhook, standardWebhookKey } from './standard-webhook.js';
import { webhookInvalid } from './webhook-error.js';
import type { ReceivedWebhook } from './webhook-request.js';
import { checkTimestamp, DEFAULT_TOLERANCE_SECONDS, type TimeWindow } from './webhook-timestamp.js';

type HmacScheme = Extract<WebhookScheme, { kind: 'hmac' }>;

/**
 * Checks a webhook by a provider's scheme.
 * @throws AuthpipeError `webhook_invalid`; `invalid_request` for a stored secret that the scheme can't use
 */
export const checkByScheme = (
  scheme: WebhookScheme,
  webhook: ReceivedWebhook,
  secret: string,
  nowMillis: number,
): void => {
  switch (scheme.kind) {
    case 'hmac':
      checkHmac(scheme, webhook, secret, {
        nowMillis,
        toleranceSeconds: scheme.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS,
      });
      return;
    case 'shared_secret':
      if (constantTimeEqual(webhook.header(scheme.header), secret)) return;
      throw mismatch(`The header ${scheme.header} does not hold the secret`);
    case 'standard_webhooks': {
      const key = standardWebhookKey(secret);
      if (key === undefined) {
        throw invalidRequest(
          'The stored webhook secret is not base64 (whsec_…), which this provider signs with: store it again, as the provider shows it.',
        );
      }
      checkStandardWebhook(webhook, [key], { nowMillis, toleranceSeconds: DEFAULT_TOLERANCE_SECONDS });
    }
  }
};

const checkHmac = (
  scheme: HmacScheme,
  webhook: ReceivedWebhook,
  secret: string,
  window: TimeWindow,
): void => {
  const given = webhook.header(scheme.header);
  const hmac = nodeCrypto().createHmac(scheme.algorithm, secret);
  // Split once: what a header puts in is never read as a part of the template.
  for (const piece of scheme.signed.split(/(\{body\}|\{timestamp\}|\{id\})/)) {
    if (piece === '{body}') hmac.update(webhook.bytes);
    else if (piece === '{id}') hmac.update(webhook.header(scheme.idHeader ?? ''));
    else if (piece === '{timestamp}') {
      const name = scheme.timestampHeader ?? '';
      const timestamp = webhook.header(name);
      checkTimestamp(name, timestamp, window);
      hmac.update(timestamp);
    } else hmac.update(piece);
  }
  const expected = `${scheme.prefix ?? ''}${hmac.digest(scheme.encoding)}`;
  if (!constantTimeEqual(given, expected)) throw mismatch(`The signature in ${scheme.header} does not fit`);
};

const mismatch = (what: string) =>
  webhookInvalid(
    'signature_mismatch',
    `${what}: check that the provider has the secret that is stored, and that body is the raw body, as it came in.`,
  );
