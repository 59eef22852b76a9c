import type { AuthpipeEvent } from '@authpipe/types';
import { type Clock, systemClock } from './clock.js';
import { invalidRequest } from './errors.js';
import { checkStandardWebhook, standardWebhookKey } from './standard-webhook.js';
import { webhookInvalid } from './webhook-error.js';
import { ReceivedWebhook, type WebhookRequest } from './webhook-request.js';
import { checkTolerance, DEFAULT_TOLERANCE_SECONDS } from './webhook-timestamp.js';

/**
 * The secret of a webhook endpoint, or several while it is changed: each `whsec_…`, as it was shown. An undefined one, as
 * of an environment variable that is not set, is refused.
 */
export type EndpointSecrets =
  | { readonly secret: string | undefined; readonly secrets?: never }
  | { readonly secrets: readonly string[]; readonly secret?: never };

/** A webhook of Authpipe and what to check it with. */
export type VerifyWebhookInput = WebhookRequest &
  EndpointSecrets & {
    /** How far the webhook's time may be from now, either way, in seconds. Default: 300. */
    readonly toleranceSeconds?: number | undefined;
    /** Used instead of the machine's clock. */
    readonly clock?: Pick<Clock, 'now'> | undefined;
  };

/**
 * Checks that a webhook was sent by your Authpipe server, was not changed and is not an old one sent again, and gives
 * its event. Nothing is asked over the network. An event may be delivered more than once: `event.id` tells.
 *
 * A newer server may send types that `AuthpipeEvent` does not list: leave those alone.
 * @throws AuthpipeError `webhook_invalid` with the check that failed as its `reason`; `invalid_request` for a body that
 *   was parsed, or a secret that is none
 * @see https://www.standardwebhooks.com
 */
export const verifyWebhook = (input: VerifyWebhookInput): AuthpipeEvent => {
  const webhook = new ReceivedWebhook(input);
  checkStandardWebhook(webhook, keysOf(input), {
    nowMillis: (input.clock ?? systemClock).now(),
    toleranceSeconds: checkTolerance(input.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS),
  });
  const event = webhook.json();
  if (isEvent(event)) return event;
  throw webhookInvalid(
    'body_malformed',
    'The signature fits, but the body is not an event of Authpipe: is this secret used by another sender?',
  );
};

const keysOf = ({ secret, secrets }: EndpointSecrets): Buffer[] => {
  const given: readonly unknown[] = secret === undefined ? (secrets ?? []) : [secret];
  if (given.length === 0 || (secret !== undefined && secrets !== undefined)) {
    throw invalidRequest("Give the endpoint's secret (whsec_…), or secrets while it is changed.", '/secret');
  }
  return given.map((one) => {
    const key = typeof one === 'string' && one.startsWith('whsec_') ? standardWebhookKey(one) : undefined;
    if (key !== undefined) return key;
    throw invalidRequest(
      'A webhook secret is whsec_ and base64, as it was shown when the endpoint was made: copy it whole, without spaces or quotes.',
      '/secret',
    );
  });
};

/** By hand and no more: a newer server may add fields and types. */
const isEvent = (json: unknown): json is AuthpipeEvent => {
  if (typeof json !== 'object' || json === null) return false;
  const { id, type, time } = json as Record<string, unknown>;
  return [id, type, time].every((field) => typeof field === 'string' && field !== '');
};
