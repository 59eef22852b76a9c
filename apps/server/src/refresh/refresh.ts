import type { Connection } from '@authpipe/types';
import { connectionNotFound } from '../credentials/connection-store.js';
import { hasRefreshToken } from '../credentials/credential-record.js';
import { needsReconnect, type RefreshIfDue } from '../credentials/read-credential.js';
import type { RefreshClaim } from '../credentials/refresh-store.js';
import { toConnection, type WireContext } from '../credentials/to-wire.js';
import { errorName } from '../errors/error-name.js';
import { Problem } from '../errors/problem.js';
import { createSweep } from '../sweep.js';
import { createRefreshClaimed, type RefreshClaimedDependencies } from './refresh-claimed.js';

/** How often a waiter looks whether somebody else's refresh is done … */
const LOOK_MILLIS = 200;
/** … and how many times: 12 s, a little longer than the provider may take. */
const MAX_LOOKS = 60;
/** How long `stop` waits for what is under way. */
const STOP_MILLIS = 10_000;

export interface RefreshDependencies extends Omit<RefreshClaimedDependencies, 'isStopping'> {
  readonly wire: WireContext;
}

/** Silent refresh: ahead of expiry by the sweep, and at once for a reader whose token has ended. */
export interface Refresh {
  readonly refreshIfDue: RefreshIfDue;
  /** Refreshes now, due or not, or waits for whoever is at it. Tells nothing: read again. */
  refreshNow(connectionId: string, environment: string): Promise<void>;
  /**
   * The same for a caller who wants to know.
   * @throws Problem `connection_not_found`; `invalid_request` when there is nothing to refresh with; `needs_reconnect`;
   *   `provider_unavailable` when the provider gave nothing
   */
  refreshConnection(connectionId: string, environment: string): Promise<Connection>;
  /** Refreshes all that is due at `now`. Resolves with how many were tried. */
  sweepDueRefreshes(now: Date): Promise<number>;
  /** Begins nothing more; waits up to 10 s for what is under way. What is left frees itself when its lease ends. */
  stop(): Promise<void>;
}

/** Refresh in this process: one attempt per connection at a time here, and by lease over all replicas. */
export const createRefresh = ({ wire, ...dependencies }: RefreshDependencies): Refresh => {
  const { store, credentials, sleep, log } = dependencies;
  /** Attempts of this process by connection; true when it had the leave to make one. */
  const flights = new Map<string, Promise<boolean>>();
  let isStopping = false;

  const refreshClaimed = createRefreshClaimed({ ...dependencies, isStopping: () => isStopping });

  const track = (connectionId: string, flight: Promise<boolean>): Promise<boolean> => {
    const tracked = flight.finally(() => {
      if (flights.get(connectionId) === tracked) flights.delete(connectionId);
    });
    flights.set(connectionId, tracked);
    return tracked;
  };

  const claimAndRefresh = async (claim: RefreshClaim, force: boolean): Promise<boolean> => {
    if (isStopping || !(await store.claimRefresh(claim, { force }))) return false;
    await refreshClaimed(claim);
    return true;
  };

  const attempt = (claim: RefreshClaim, force: boolean): Promise<boolean> =>
    flights.get(claim.connectionId) ?? track(claim.connectionId, claimAndRefresh(claim, force));

  /** Waits for a newer version than `version`, or for the end of all attempts. The end of the wait begins nothing. */
  const refreshOrWait = async (claim: RefreshClaim, version: number, force: boolean): Promise<void> => {
    let isFree = true;
    for (let look = 0; look < MAX_LOOKS && !isStopping; look += 1) {
      if (isFree && (await attempt(claim, force))) return;
      const progress = await store.refreshProgress(claim.connectionId);
      if (!progress || progress.version !== version) return;
      if (!progress.isLeased && !progress.isDue && !force) return;
      isFree = !progress.isLeased;
      await sleep(LOOK_MILLIS);
    }
  };

  const sweep = createSweep<RefreshClaim>({
    claim: store.claimDueRefreshes,
    run: async (claim) => {
      const flight = track(
        claim.connectionId,
        refreshClaimed(claim).then(() => true),
      );
      await flight.catch((error: unknown) => {
        const { connectionId } = claim;
        log.error({ connectionId, error: errorName(error) }, 'a refresh could not be finished');
      });
    },
    isStopping: () => isStopping,
  });

  return {
    async refreshIfDue({ connection, version }, mode) {
      const claim = { connectionId: connection.id, environment: connection.environment };
      if (mode === 'wait') return refreshOrWait(claim, version, false);
      await attempt(claim, false).catch((error: unknown) => {
        const connectionId = connection.id;
        log.error({ connectionId, error: errorName(error) }, 'a background refresh could not be finished');
      });
    },

    async refreshNow(connectionId, environment) {
      const stored = await credentials.openCredential(connectionId, environment);
      if (stored) await refreshOrWait({ connectionId, environment }, stored.version, true);
    },

    async refreshConnection(connectionId, environment) {
      const stored = await credentials.openCredential(connectionId, environment);
      if (!stored) throw connectionNotFound();
      if (!hasRefreshToken(stored.secrets)) {
        throw new Problem(
          'invalid_request',
          'There is nothing to refresh: the connection holds no refresh token.',
        );
      }
      await refreshOrWait({ connectionId, environment }, stored.version, true);
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

    sweepDueRefreshes: sweep,

    async stop() {
      isStopping = true;
      await Promise.race([Promise.allSettled(flights.values()), sleep(STOP_MILLIS)]);
    },
  };
};
