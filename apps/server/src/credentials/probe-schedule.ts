import type { AuthMethod } from '@authpipe/providers';
import type { ConnectionKind } from '@authpipe/types';
import { addSeconds } from '../clock.js';

/** Keys do not change by themselves: an hour is soon enough, and spares the provider. */
const KEY_INTERVAL_SECONDS = 3600;
/** Up to this part of the interval earlier, at random, so that probes spread and none is later than promised. */
const JITTER_OF_INTERVAL = 1 / 5;

/** What the schedule looks at. */
export interface ProbeTiming {
  readonly kind: ConnectionKind;
  readonly now: Date;
  /** `AUTHPIPE_PROBE_INTERVAL_SECONDS`: for OAuth connections. */
  readonly intervalSeconds: number;
  /** In [0, 1): jitter. */
  readonly fraction: number;
  /** Something is wrong, or nothing is proved: looked at as often as OAuth connections. Default false. */
  readonly isInDoubt?: boolean;
  /**
   * The refresh itself is the better probe: one look follows each. Left out or `null`: looks keep to the interval. The
   * refresh's time.
   */
  readonly afterRefreshAt?: Date | null;
}

/** How long after a look the next one follows at the latest, in seconds. */
export const probeIntervalSeconds = ({
  kind,
  intervalSeconds,
  isInDoubt = false,
}: Pick<ProbeTiming, 'kind' | 'intervalSeconds' | 'isInDoubt'>): number =>
  kind === 'oauth2' || kind === 'client_credentials' || isInDoubt
    ? intervalSeconds
    : Math.max(intervalSeconds, KEY_INTERVAL_SECONDS);

/**
 * Whether a method's issuer can be asked whether a token lives. Where it can't, the next refresh says more than any probe:
 * it is looked at once per refresh.
 */
export const hasIntrospection = (method: Pick<AuthMethod, 'probes'> | undefined): boolean =>
  method?.probes.some(({ kind }) => kind === 'introspection') ?? false;

/** When to look at a connection next. */
export const nextProbeAt = ({ fraction, afterRefreshAt = null, ...timing }: ProbeTiming): Date => {
  const { now, isInDoubt = false } = timing;
  const interval = probeIntervalSeconds(timing);
  const usual = addSeconds(now, interval * (1 - JITTER_OF_INTERVAL * fraction));
  if (afterRefreshAt === null || isInDoubt) return usual;
  const afterRefresh = addSeconds(afterRefreshAt, interval * JITTER_OF_INTERVAL * fraction);
  return new Date(Math.max(afterRefresh.getTime(), usual.getTime()));
};
