import type { Connection } from '@authpipe/types';
import { connectionNotFound } from '../credentials/connection-store.js';
import { canBeRenewed } from '../credentials/credential-record.js';
import { needsReconnect, type RefreshIfDue } from '../credentials/read-credential.js';
import type { RefreshClaim } from '../credentials/refresh-store.js';
import { providerHostOf, toConnection, type WireContext } from '../credentials/to-wire.js';
import { errorSummary } from '../errors/error-summary.js';
import { Problem } from '../errors/problem.js';
import type { Heard } from '../outages/outages.js';
import { createSweep } from '../sweep.js';
import { checkValidity, isValidFor } from './check-validity.js';
import {
  createRefreshClaimed,
  type RefreshClaimedDependencies,
  type RefreshWish,
} from './refresh-claimed.js';

/** How often a waiter looks whether somebody else's refresh is done … */
const LOOK_MILLIS = 200;
/** … and how many times: 12 s, a little longer than the provider may take. Readers are less patient. */
const MAX_LOOKS = 60;
/** Refreshes under way at once by the sweeps of one process: mostly waiting for providers. */
export const REFRESH_CONCURRENCY = 32;
/** How long `stop` waits for what is under way. */
const STOP_MILLIS = 10_000;
/** … and for the database, to hand back what is not done by then. */
const HAND_BACK_MILLIS = 2_000;

export interface RefreshDependencies
  extends Omit<RefreshClaimedDependencies, 'isStopping' | 'allowLoopback' | 'hostOf'> {
  readonly wire: WireContext;
  /** Whether this server must not refresh at all: the database may be a copy of another deployment's. */
  readonly isFrozen: () => boolean;
}

/** Which connection is meant. */
type Place = Pick<RefreshClaim, 'connectionId' | 'environment'>;

/** Silent refresh: ahead of expiry by the sweep, and at once for a reader whose token has ended. */
export interface Refresh {
  readonly refreshIfDue: RefreshIfDue;
  /** Refreshes now, due or not, or waits for whoever is at it. Tells nothing: read again. */
  refreshNow(connectionId: string, environment: string): Promise<void>;
  /**
   * The same for a caller who wants to know. With `minValiditySeconds` only for the sake of a token that is valid for so
   * long: none is asked for where the one there is does, nor where a new one would not.
   * @throws Problem `connection_not_found`; `invalid_request` when there is nothing to refresh with, and where no token is
   *   valid for so long; `needs_reconnect`; `provider_unavailable` when the provider gave nothing
   */
  refreshConnection(
    connectionId: string,
    environment: string,
    wanted?: { readonly minValiditySeconds?: number | undefined },
  ): Promise<Connection>;
  /**
   * Refreshes another connection to see whether its provider refuses everybody, and notes what comes of it. Waits for
   * nobody: whoever is at it may wait for the same. Never rejects.
   */
  bearWitness(place: Place): Promise<Heard>;
  /** Refreshes all that is due at `now`. Resolves with how many were tried. */
  sweepDueRefreshes(now: Date): Promise<number>;
  /** Begins nothing more; waits up to 10 s for what is under way, and hands the rest back. Never rejects. */
  stop(): Promise<void>;
}

/** Refresh in this process: one attempt per connection at a time here, and by lease over all replicas. */
export const createRefresh = ({ wire, isFrozen, ...dependencies }: RefreshDependencies): Refresh => {
  const { store, credentials, sleep, log } = dependencies;
  /** Attempts of this process by connection; true when it had the leave to make one. */
  const flights = new Map<string, Promise<boolean>>();
  const held = new Set<RefreshClaim>();
  let isStopping = false;

  const isOver = (): boolean => isStopping || isFrozen();
  const { allowLoopback } = wire;
  const refresh = createRefreshClaimed({
    ...dependencies,
    allowLoopback,
    hostOf: (connection) => providerHostOf(connection, wire),
    isStopping: isOver,
  });

  const refreshClaimed = async (
    claim: RefreshClaim,
    wish: RefreshWish,
    onAnswer: () => void = () => {},
  ): Promise<void> => {
    held.add(claim);
    try {
      await refresh(claim, wish, onAnswer);
    } catch (error) {
      // The database went away in between: what is still held would hold others up until its deadline.
      await store.releaseRefreshes([claim]).catch(() => undefined);
      throw error;
    } finally {
      held.delete(claim);
    }
  };

  const track = (connectionId: string, flight: Promise<boolean>): Promise<boolean> => {
    const tracked = flight.finally(() => {
      if (flights.get(connectionId) === tracked) flights.delete(connectionId);
    });
    flights.set(connectionId, tracked);
    return tracked;
  };

  const claimAndRefresh = async (place: Place, force: boolean, wish: RefreshWish): Promise<boolean> => {
    if (isOver()) return false;
    const claim = await store.claimRefresh(place, { force });
    if (!claim) return false;
    await refreshClaimed(claim, wish);
    return true;
  };

  const attempt = (place: Place, force: boolean, wish: RefreshWish): Promise<boolean> =>
    flights.get(place.connectionId) ?? track(place.connectionId, claimAndRefresh(place, force, wish));

  /** Waits for a newer version than `version`, or for the end of all attempts. The end of the wait begins nothing. */
  const refreshOrWait = async (
    place: Place,
    { version, force, wish }: { version: number; force: boolean; wish: RefreshWish },
    isLate = () => false,
  ): Promise<void> => {
    let isFree = true;
    for (let look = 0; look < MAX_LOOKS && !isOver() && !isLate(); look += 1) {
      if (isFree && (await attempt(place, force, wish))) return;
      const progress = await store.refreshProgress(place.connectionId);
      if (!progress || progress.version !== version) return;
      if (!progress.isLeased && !progress.isDue && !force) return;
      isFree = !progress.isLeased;
      await sleep(LOOK_MILLIS);
    }
  };

  /** The same, for a reader with so much patience: what is under way by then goes on without it. */
  const waitAsReader = async (place: Place, version: number, waitMillis: number): Promise<void> => {
    let isLate = false;
    const patience = sleep(waitMillis).then(() => {
      isLate = true;
    });
    const wish = { version, force: false, wish: 'reader' } as const;
    await Promise.race([refreshOrWait(place, wish, () => isLate), patience]);
  };

  const sweep = createSweep<RefreshClaim>({
    claim: store.claimDueRefreshes,
    run: async (claim, givePlace) => {
      const flight = track(
        claim.connectionId,
        refreshClaimed(claim, 'schedule', givePlace).then(() => true),
      );
      await flight.catch((error: unknown) => {
        const { connectionId } = claim;
        log.error({ connectionId, error: errorSummary(error) }, 'a refresh could not be finished');
      });
    },
    isStopping: isOver,
    concurrency: REFRESH_CONCURRENCY,
  });

  return {
    async refreshIfDue({ connection, version }, mode, waitMillis = LOOK_MILLIS * MAX_LOOKS) {
      const place = { connectionId: connection.id, environment: connection.environment };
      if (mode === 'wait') return waitAsReader(place, version, waitMillis);
      await attempt(place, false, 'reader').catch((error: unknown) => {
        const connectionId = connection.id;
        log.error({ connectionId, error: errorSummary(error) }, 'a background refresh could not be finished');
      });
    },

    async refreshNow(connectionId, environment) {
      const stored = await credentials.openCredential(connectionId, environment);
      if (!stored) return;
      const { version } = stored;
      await refreshOrWait({ connectionId, environment }, { version, force: true, wish: 'force' });
    },

    async refreshConnection(connectionId, environment, { minValiditySeconds } = {}) {
      const stored = await credentials.openCredential(connectionId, environment);
      if (!stored) throw connectionNotFound();
      if (!canBeRenewed(stored.secrets)) {
        throw new Problem(
          'invalid_request',
          'There is nothing to refresh: the connection holds no refresh token.',
        );
      }
      if (minValiditySeconds !== undefined) {
        const now = dependencies.clock.now();
        if (isValidFor(stored, minValiditySeconds, now)) return toConnection(stored.connection, wire);
        checkValidity(stored, minValiditySeconds, now);
      }
      const { version } = stored;
      await refreshOrWait({ connectionId, environment }, { version, force: true, wish: 'caller' });
      const current = await credentials.openCredential(connectionId, environment);
      if (!current) throw connectionNotFound();
      if (current.version !== stored.version) return toConnection(current.connection, wire);
      if (current.connection.status === 'needs_reconnect') throw needsReconnect(current);
      throw new Problem('provider_unavailable', 'The provider gave no new token: try again shortly.', {
        connectionId,
        ...(current.connection.reason === null ? {} : { reason: current.connection.reason }),
        retryAfterSeconds: 5,
      });
    },

    async bearWitness({ connectionId, environment }) {
      if (isOver() || flights.has(connectionId)) return 'nothing';
      const place = { connectionId, environment };
      try {
        const claim = await store.claimRefresh(place, { force: true });
        if (!claim) return 'nothing';
        const before = await credentials.openCredential(connectionId, environment);
        await track(
          connectionId,
          refreshClaimed(claim, 'witness').then(() => true),
        );
        const after = await credentials.openCredential(connectionId, environment);
        const isRefused = after?.renewalRefusedSince != null;
        return isRefused || after?.version !== before?.version ? 'an_answer' : 'nothing';
      } catch (error) {
        log.warn({ connectionId, error: errorSummary(error) }, 'a witness could not be refreshed');
        return 'nothing';
      }
    },

    sweepDueRefreshes: sweep,

    async stop() {
      isStopping = true;
      await Promise.race([Promise.allSettled(flights.values()), sleep(STOP_MILLIS)]);
      const handedBack = store.releaseRefreshes([...held]).catch((error: unknown) => {
        log.warn({ error: errorSummary(error) }, 'leases could not be handed back: they end by themselves');
      });
      await Promise.race([handedBack, sleep(HAND_BACK_MILLIS)]);
    },
  };
};
