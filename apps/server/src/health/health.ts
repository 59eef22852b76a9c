import type { Connection } from '@authpipe/types';
import { type ConnectionStore, connectionNotFound } from '../credentials/connection-store.js';
import type { ProbeClaim } from '../credentials/probe-store.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { AskWitness } from '../outages/outages.js';
import type { Sleep } from '../sleep.js';
import { createSweep } from '../sweep.js';
import { createLookAtConnection, type LookDependencies } from './look-at-connection.js';

/** Looks under way at once by the sweeps of one process. */
const SWEEP_CONCURRENCY = 16;
/** How long `stop` waits for what is under way. */
const STOP_MILLIS = 10_000;
/** … and for the database, to hand back what is not done by then. */
const HAND_BACK_MILLIS = 2_000;

export interface HealthDependencies extends LookDependencies {
  readonly connections: Pick<ConnectionStore, 'findRecord' | 'getConnection'>;
  /** Looks whether outages are over, and puts off what waits for that. */
  readonly tendOutages: (now: Date) => Promise<void>;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** Health before users notice: looks on a schedule, on request, and when a caller was refused. */
export interface Health {
  /**
   * Looks now, three times at once and once in 20 s after that, as with reports: of more, one look is made when its time has
   * come. @throws Problem `connection_not_found`
   */
  checkConnection(connectionId: string, environment: string): Promise<Connection>;
  /**
   * A caller was refused by the provider. It triggers a look, which alone decides: a caller can't mark a connection. One
   * that is known to be dead is not asked about again, and nothing is learned of a `version` that has been replaced (the
   * current one, when left out). Three reports at once and one in 20 s after that are looked into; of more, one look is
   * made when its time has come. @throws Problem `connection_not_found`
   */
  reportConnection(connectionId: string, environment: string, version?: number): Promise<Connection>;
  /** Looks at another connection to see how it does. Never rejects. */
  readonly askWitness: AskWitness;
  /** Looks at all that is due at `now`. Resolves with how many were looked at. */
  sweepDueProbes(now: Date): Promise<number>;
  /** Begins nothing more; waits up to 10 s for what is under way, and hands the rest back. Never rejects. */
  stop(): Promise<void>;
}

/** Health in this process: one look per connection at a time here, and by lease over all replicas. */
export const createHealth = ({
  connections,
  tendOutages,
  sleep,
  log,
  ...dependencies
}: HealthDependencies): Health => {
  const { lookAt, bearWitness } = createLookAtConnection(dependencies);
  const looks = new Map<string, Promise<void>>();
  let isStopping = false;

  const look = (claim: ProbeClaim): Promise<void> => {
    const current = looks.get(claim.connectionId);
    if (current) return current;
    const started = lookAt(claim).finally(() => looks.delete(claim.connectionId));
    looks.set(claim.connectionId, started);
    return started;
  };

  const sweep = createSweep<ProbeClaim>({
    claim: dependencies.store.claimDueProbes,
    run: (claim) =>
      look(claim).catch((error: unknown) => {
        const { connectionId } = claim;
        log.error({ connectionId, error: errorSummary(error) }, 'a probe could not be finished');
      }),
    isStopping: () => isStopping,
    concurrency: SWEEP_CONCURRENCY,
  });

  return {
    async checkConnection(connectionId, environment) {
      const record = await connections.findRecord(connectionId, environment);
      if (!record) throw connectionNotFound();
      if ((await dependencies.store.claimReport(connectionId)) === 'look')
        await look({ connectionId, environment });
      return connections.getConnection(connectionId, environment);
    },

    async reportConnection(connectionId, environment, version) {
      const connection = await connections.getConnection(connectionId, environment);
      const isOutdated = version !== undefined && version < connection.version;
      if (connection.status === 'needs_reconnect' || isOutdated) return connection;
      if ((await dependencies.store.claimReport(connectionId)) !== 'look') return connection;
      await look({ connectionId, environment });
      return connections.getConnection(connectionId, environment);
    },

    async sweepDueProbes(now) {
      await tendOutages(now);
      return sweep(now);
    },

    async askWitness(claim, question) {
      return bearWitness(claim, question).catch((error: unknown) => {
        const { connectionId } = claim;
        log.warn({ connectionId, error: errorSummary(error) }, 'a witness could not be asked');
        return 'nothing';
      });
    },

    async stop() {
      isStopping = true;
      await Promise.race([Promise.allSettled(looks.values()), sleep(STOP_MILLIS)]);
      const held = [...looks.keys()];
      if (held.length === 0) return;
      const handedBack = dependencies.store.releaseProbes(held).catch((error: unknown) => {
        log.warn(
          { error: errorSummary(error) },
          'probes could not be handed back: their leases end by themselves',
        );
      });
      await Promise.race([handedBack, sleep(HAND_BACK_MILLIS)]);
    },
  };
};
