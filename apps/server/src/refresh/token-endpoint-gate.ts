import type { TokenRateLimit } from '@authpipe/providers';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import {
  isRecovering,
  limitPace,
  momentOfRecovery,
  openSecondsByStep,
  type Pace,
  recoveryPace,
  slowerPace,
  toldSeconds,
} from './token-endpoint-pace.js';
import { createTokenEndpointQueue } from './token-endpoint-queue.js';
import { createTokenEndpointReports, type TokenEndpointReport } from './token-endpoint-reports.js';
import { createTokenEndpointStore, type TokenEndpointState } from './token-endpoint-store.js';
import { createTokenEndpointView } from './token-endpoint-view.js';

/** Leave to send one token request, or when to ask for it again. */
export type Admission =
  | {
      readonly admitted: true;
      /** A single trial of an endpoint that was closed to all: its outcome decides. */
      readonly isTrial: boolean;
    }
  | {
      readonly admitted: false;
      /** Not before then. Those who are turned away together get different times. */
      readonly retryAt: Date;
      /** `provider_down`: it fails, or has just come back; `rate_limited`: the vendor's limit is used up. */
      readonly reason: 'provider_down' | 'rate_limited';
    };

/** A circuit breaker and a rate limit per token endpoint, which all replicas share through the database. */
export interface TokenEndpointGate {
  /**
   * Leave to send one token request now. An endpoint that is well and has no limit costs no statement. Whoever is admitted
   * reports the outcome by `succeeded` or `failed`. `urgent`: a rotation whose answer was lost must be repeated inside the
   * provider's grace; it passes an endpoint that is closed to all, but never the vendor's limit.
   * @throws when it has to ask the database and can't: without it nobody may refresh in any case, since the intent can't
   *   be recorded
   */
  admit(
    endpoint: { readonly url: string; readonly limit?: TokenRateLimit | undefined },
    options?: { readonly urgent?: boolean },
  ): Promise<Admission>;
  /** The provider answered, whatever it said of the grant (also `invalid_grant`, `invalid_client`). Never rejects. */
  succeeded(url: string): Promise<void>;
  /**
   * Timeout, network error, 5xx, 429, `temporarily_unavailable`; `retryAfterSeconds` as the provider said, `null` where it
   * did not. Never rejects.
   */
  failed(url: string, retryAfterSeconds: number | null): Promise<void>;
  /** Reads what the other replicas know: about once a second. Never rejects; what was known holds while the database is away. */
  look(): Promise<void>;
}

/** Longer than a provider may take for its answer (10 s), so that a trial whose process died holds nobody up for long. */
const TRIAL_SECONDS = 15;
/** Those turned away by a closed endpoint come back spread over this long after its time. */
const SPREAD_SECONDS = 10;
/** What is known can be outdated by others at each look; after so many the caller is sent away for a moment. */
const MAX_ROUNDS = 4;
const MOMENT_SECONDS = 1;

/** The gate of this process. */
export const createTokenEndpointGate = ({
  db,
  clock,
  randomness,
  log,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}): TokenEndpointGate => {
  const store = createTokenEndpointStore(db);
  const view = createTokenEndpointView();
  const queue = createTokenEndpointQueue(randomness);
  /** Trials that this process holds, by the end of their lease. */
  const trials = new Map<string, Date>();
  let isDatabaseAway = false;
  let looking: Promise<void> | null = null;

  /** Runs what may fail with the database, and tells of it once. */
  const unlessAway = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      isDatabaseAway = false;
    } catch (error) {
      if (isDatabaseAway) return;
      isDatabaseAway = true;
      log.warn(
        { error: errorSummary(error) },
        'the state of token endpoints can not be shared with other replicas',
      );
    }
  };

  const turnAwayUntil = (openUntil: Date): Admission => ({
    admitted: false,
    retryAt: addSeconds(openUntil, SPREAD_SECONDS * randomness.fraction()),
    reason: 'provider_down',
  });

  const turnAwayByPace = (
    url: string,
    slot: Date,
    { limit, urgent, now }: { limit: Pace | null; urgent: boolean; now: Date },
  ): Admission => {
    const { closedAt } = view.conditionOf(url);
    // What can't wait does not queue.
    const place = limit && !urgent ? queue.placeAt(url, { slot, pace: limit, now }) : slot;
    if (urgent || !isRecovering(closedAt, now)) {
      return { admitted: false, retryAt: place, reason: 'rate_limited' };
    }
    const moment = momentOfRecovery(closedAt, randomness.fraction());
    const retryAt = new Date(Math.max(moment.getTime(), place.getTime()));
    return { admitted: false, retryAt, reason: 'provider_down' };
  };

  const take = (
    url: string,
    pace: Pace | null,
    { now, isTrial, urgent }: { now: Date; isTrial: boolean; urgent: boolean },
  ): Promise<TokenEndpointState | null> | null => {
    if (isTrial) return store.takeTrial(url, pace, { now, until: addSeconds(now, TRIAL_SECONDS) });
    return pace && store.takeSlot(url, pace, { now, evenIfOpen: urgent });
  };

  const write = (url: string, report: TokenEndpointReport): Promise<void> =>
    unlessAway(async () => {
      const now = clock.now();
      let state = report.answered ? await store.saveAnswer(url, now) : null;
      if (report.failures > 0) {
        const steps = openSecondsByStep(randomness.fraction());
        state = await store.saveFailures(url, { ...report, openSecondsByStep: steps }, now);
      }
      if (state === null) return;
      // What was met meanwhile counts already, and is told by the next report.
      if (!reports.isBehind(url)) view.remember(url, state);
      const { openUntil, closedAt } = state;
      if (openUntil) log.warn({ url, openUntil }, 'a token endpoint fails: it is left alone for a while');
      else if (closedAt?.getTime() === now.getTime()) log.info({ url }, 'a token endpoint answers again');
    });
  const reports = createTokenEndpointReports(write);

  const readAll = async (): Promise<void> => {
    view.beginReading();
    const states = await store.readTroubled(clock.now());
    if (view.replace(states, clock.now())) await store.forget(clock.now());
  };

  return {
    async admit({ url, limit }, { urgent = false } = {}) {
      const limitingPace = limit ? limitPace(limit) : null;
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const now = clock.now();
        const { openUntil, closedAt } = view.conditionOf(url);
        if (openUntil && openUntil > now && !urgent) return turnAwayUntil(openUntil);
        const pace = slowerPace(limitingPace, urgent ? null : recoveryPace(closedAt, now));
        const slot = view.nextSlotOf(url);
        if (pace && slot && slot.getTime() > now.getTime() + pace.toleranceMillis) {
          return turnAwayByPace(url, slot, { limit: limitingPace, urgent, now });
        }
        const isTrial = openUntil !== null && openUntil <= now;
        const taking = take(url, pace, { now, isTrial, urgent });
        if (taking === null) return { admitted: true, isTrial: false };
        const state = await taking;
        view.remember(url, state ?? (await store.read(url)));
        if (state) {
          if (isTrial && state.openUntil) trials.set(url, state.openUntil);
          return { admitted: true, isTrial };
        }
      }
      return turnAwayUntil(addSeconds(clock.now(), MOMENT_SECONDS));
    },

    async succeeded(url) {
      trials.delete(url);
      const { failures, openUntil } = view.conditionOf(url);
      if (failures === 0 && openUntil === null) return;
      view.answered(url, clock.now());
      await reports.answered(url);
    },

    async failed(url, retryAfterSeconds) {
      const now = clock.now();
      const told = toldSeconds(retryAfterSeconds);
      const trialUntil = trials.get(url) ?? null;
      trials.delete(url);
      const isOpen = view.conditionOf(url).openUntil !== null;
      // The same outage: it is known, and nothing is new about it.
      if (isOpen && trialUntil === null && told === 0) return;
      const [shortest = 0] = openSecondsByStep(randomness.fraction());
      view.failed(url, now, Math.max(shortest, told));
      await reports.failed(url, { toldSeconds: told, trialUntil });
    },

    look() {
      looking ??= unlessAway(readAll).finally(() => {
        looking = null;
      });
      return looking;
    },
  };
};
