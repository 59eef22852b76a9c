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
}

/** How long after a look the next one follows at the latest, in seconds. */
export const probeIntervalSeconds = ({
  kind,
  intervalSeconds,
}: Pick<ProbeTiming, 'kind' | 'intervalSeconds'>): number =>
  kind === 'oauth2' || kind === 'client_credentials'
    ? intervalSeconds
    : Math.max(intervalSeconds, KEY_INTERVAL_SECONDS);

/** When to look at a connection next. */
export const nextProbeAt = ({ kind, now, intervalSeconds, fraction }: ProbeTiming): Date =>
  addSeconds(now, probeIntervalSeconds({ kind, intervalSeconds }) * (1 - JITTER_OF_INTERVAL * fraction));
