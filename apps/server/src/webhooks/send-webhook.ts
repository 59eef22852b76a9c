import type { AuthpipeEvent } from '@authpipe/types';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../clock.js';
import { FetchError, type GuardedFetch } from '../oauth/guarded-fetch.js';
import { retryAfterSeconds } from '../oauth/token-request-error.js';
import type { Attempt } from './lane-store.js';

/** Receivers are told to answer first and work later; Standard Webhooks asks for 15 to 30 s. */
export const WEBHOOK_TIMEOUT_MILLIS = 15_000;

/** An answer, or why there is none, with what it says about the next attempt. */
export interface SentWebhook extends Attempt {
  /** Seconds, by `Retry-After`. */
  readonly retryAfter: number | null;
  /** 410: it wants no more, ever. */
  readonly isGone: boolean;
}

const GONE = 410;

/**
 * Signs an event with each secret and sends it once. Never rejects: what no 2xx answered has a `fault`.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const createSendWebhook =
  ({ fetch, clock }: { readonly fetch: GuardedFetch; readonly clock: Clock }) =>
  async (url: string, event: AuthpipeEvent, secrets: readonly string[]): Promise<SentWebhook> => {
    const now = clock.now();
    const body = JSON.stringify(event);
    const signatures = secrets.map((secret) => new Webhook(secret).sign(event.id, now, body));
    try {
      const answer = await fetch({
        url,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': event.id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
          'webhook-signature': signatures.join(' '),
        },
        body,
      });
      const { status } = answer;
      const isAccepted = status >= 200 && status < 300;
      return {
        status,
        fault: isAccepted ? null : 'status',
        retryAfter: isAccepted ? null : retryAfterSeconds(answer, {}, clock),
        isGone: status === GONE,
      };
    } catch (error) {
      const fault = error instanceof FetchError ? error.failure : 'network';
      return { status: null, fault, retryAfter: null, isGone: false };
    }
  };

export type SendWebhook = ReturnType<typeof createSendWebhook>;
