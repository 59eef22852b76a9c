import { AuthpipeError } from './errors.js';

/** Which check a webhook failed: `reason` of a `webhook_invalid`. */
export type WebhookFault =
  | 'header_missing'
  | 'header_malformed'
  | 'timestamp_too_old'
  | 'timestamp_in_future'
  | 'signature_mismatch'
  | 'body_malformed';

/** The webhook failed a check. The message never quotes a header's value or the body: either may hold a secret. */
export const webhookInvalid = (
  reason: WebhookFault,
  message: string,
  connectionId?: string | undefined,
): AuthpipeError => new AuthpipeError('webhook_invalid', message, { reason, connectionId });
