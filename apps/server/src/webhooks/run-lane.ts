import type { WebhookDisabledReason } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import type { EndpointStore } from './endpoint-store.js';
import type { LaneClaim, LaneStore, NextDelivery } from './lane-store.js';
import {
  DOWN_AFTER_FAILURES,
  endpointRetrySeconds,
  GIVE_UP_SECONDS,
  honouredSeconds,
  laneRetrySeconds,
} from './retry-delay.js';
import type { SendWebhook, SentWebhook } from './send-webhook.js';

/** Deliveries of one connection in one go; then others of the endpoint have their turn. */
const DELIVERIES_IN_A_ROW = 50;

/** How attempts end, for the metrics. */
export type DeliveryResult = 'delivered' | 'retried' | 'given_up' | 'disabled';

export interface RunLaneDependencies {
  readonly lanes: LaneStore;
  readonly openSecrets: EndpointStore['openSecrets'];
  readonly send: SendWebhook;
  /** Whether what was set up at this time is another deployment's: this database is a copy of it. */
  readonly isForeign: (enabledAt: Date) => boolean;
  readonly isStopping: () => boolean;
  readonly note: (result: DeliveryResult) => void;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);
const later = (one: Date, other: Date): Date => (one > other ? one : other);

/**
 * Sends what is due in a lane that was claimed, one after the other, until nothing is left or something fails. Rejects
 * when the database goes away; the lease then ends by itself.
 */
export const createRunLane = (dependencies: RunLaneDependencies) => {
  const { lanes, openSecrets, send, isForeign, isStopping, note, clock, randomness, log } = dependencies;

  const disable = async (
    { endpointId }: LaneClaim,
    { endpoint: { enabledAt } }: NextDelivery,
    reason: WebhookDisabledReason,
  ): Promise<void> => {
    if (await lanes.disableEndpoint(endpointId, enabledAt, reason)) {
      log.warn({ endpointId, reason }, 'a webhook endpoint was disabled');
    }
    note('disabled');
  };

  /** Whether the lane goes on: the delivery was given up and the next has its turn, or it is sent to another address. */
  const failed = async (claim: LaneClaim, next: NextDelivery, sent: SentWebhook): Promise<boolean> => {
    const { event, endpoint, laneFailures, firstAttemptAt } = next;
    const now = clock.now();
    const pause = endpointRetrySeconds(endpoint.failures + 1, randomness.fraction());
    const failing = await lanes.noteFailure(
      claim.endpointId,
      endpoint.enabledAt,
      pause === null ? null : addSeconds(now, pause),
    );
    // Not the endpoint that it is now: that one is asked next, as if nothing had failed.
    if (failing === null) {
      note('retried');
      return true;
    }
    const giveUpAt = addSeconds(
      firstAttemptAt === null ? now : later(firstAttemptAt, endpoint.enabledAt),
      GIVE_UP_SECONDS,
    );
    const wait = laneRetrySeconds(laneFailures, sent.retryAfter, randomness.fraction());
    const isDead =
      failing.failures >= DOWN_AFTER_FAILURES && addSeconds(failing.failingSince, GIVE_UP_SECONDS) <= now;
    if (!isDead && !sent.isGone && giveUpAt <= now) {
      await lanes.endDelivery(claim, event.id, 'failed', sent);
      await lanes.noteGivenUp(claim.endpointId);
      note('given_up');
      const { endpointId } = claim;
      log.warn({ endpointId, eventId: event.id }, 'a webhook was given up: its endpoint accepts others');
      return true;
    }
    // The last attempt is made when the time is up, not before.
    const retryAt = giveUpAt > now ? earlier(addSeconds(now, wait), giveUpAt) : addSeconds(now, wait);
    const notBefore = addSeconds(now, honouredSeconds(sent.retryAfter));
    await lanes.retryDelivery(claim, event.id, sent, { retryAt, notBefore });
    if (sent.isGone) await disable(claim, next, 'gone');
    else if (isDead) await disable(claim, next, 'failing');
    else note('retried');
    return false;
  };

  /** Whether the lane goes on. */
  const deliver = async (claim: LaneClaim, next: NextDelivery): Promise<boolean> => {
    const { event, endpoint } = next;
    const sent = await send(endpoint.url, event, await openSecrets(endpoint));
    if (sent.fault !== null) return failed(claim, next, sent);
    const wasFailing = await lanes.endDelivery(claim, event.id, 'delivered', sent);
    note('delivered');
    if (wasFailing) await lanes.noteRecovery(claim.endpointId);
    return true;
  };

  return async (claim: LaneClaim): Promise<void> => {
    for (let count = 0; count < DELIVERIES_IN_A_ROW && !isStopping(); count += 1) {
      const next = await lanes.nextDelivery(claim);
      if (!next) break;
      if (isForeign(next.endpoint.enabledAt)) {
        await disable(claim, next, 'deployment_copied');
        break;
      }
      if (!(await deliver(claim, next))) return;
    }
    await lanes.releaseLane(claim);
  };
};
