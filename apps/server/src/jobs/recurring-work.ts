import { probeIntervalSeconds as intervalOfKind } from '../credentials/probe-schedule.js';
import type { RecurringWork } from './start-jobs.js';

/** Also made at once, when another server has died. */
export const REFRESH_SWEEP = 'refresh.sweep';

/** Lease plus sweep stay under half of the shortest grace (30 s), and ten-second tokens still work. */
const REFRESH_EVERY_SECONDS = 5;
const SESSIONS_EVERY_SECONDS = 300;
/** Told weeks ahead: a minute does not matter. */
const EXPIRING_EVERY_SECONDS = 60;
const EVENTS_EVERY_SECONDS = 600;
/** What an erased tenant's late uses tell is kept no longer. */
const AUDIT_EVERY_SECONDS = 300;
/** What is cut off a chain within it may not be missed; shorter would add more entries. */
const CHECKPOINT_EVERY_SECONDS = 3_600;
/** A probe is at most a quarter of its interval late, … */
const HEALTH_BEATS_PER_INTERVAL = 4;
/** … and never later than this. */
const HEALTH_SLOWEST_SECONDS = 10;

export interface RecurringWorkDependencies {
  readonly sweepDueRefreshes: (now: Date) => Promise<number>;
  /** Tells of grants whose end is near. */
  readonly tellExpiring: (now: Date) => Promise<number>;
  readonly sweepDueProbes: (now: Date) => Promise<number>;
  /** Forgets connect sessions that are over. */
  readonly sweepSessions: (now: Date) => Promise<unknown>;
  /** Forgets events that are old. */
  readonly sweepEvents: (now: Date) => Promise<unknown>;
  /** Forgets what is older than the audit's policy. */
  readonly sweepAudit: (now: Date) => Promise<unknown>;
  /** Tells in the audit how far its chains go. */
  readonly checkpointAudit: () => Promise<unknown>;
  /** `AUTHPIPE_PROBE_INTERVAL_SECONDS` */
  readonly probeIntervalSeconds: number;
}

/** All that comes due with time, and how often to look. */
export const recurringWork = ({
  sweepDueRefreshes,
  tellExpiring,
  sweepDueProbes,
  sweepSessions,
  sweepEvents,
  sweepAudit,
  checkpointAudit,
  probeIntervalSeconds,
}: RecurringWorkDependencies): RecurringWork[] => {
  const shortest = intervalOfKind({ kind: 'oauth2', intervalSeconds: probeIntervalSeconds });
  const healthEvery = Math.floor(Math.min(shortest / HEALTH_BEATS_PER_INTERVAL, HEALTH_SLOWEST_SECONDS));
  return [
    { name: REFRESH_SWEEP, everySeconds: REFRESH_EVERY_SECONDS, run: sweepDueRefreshes },
    { name: 'expiring.sweep', everySeconds: EXPIRING_EVERY_SECONDS, run: tellExpiring },
    { name: 'health.sweep', everySeconds: Math.max(1, healthEvery), run: sweepDueProbes },
    { name: 'sessions.sweep', everySeconds: SESSIONS_EVERY_SECONDS, run: sweepSessions },
    { name: 'events.sweep', everySeconds: EVENTS_EVERY_SECONDS, run: sweepEvents },
    { name: 'audit.sweep', everySeconds: AUDIT_EVERY_SECONDS, run: sweepAudit },
    { name: 'audit.checkpoint', everySeconds: CHECKPOINT_EVERY_SECONDS, run: checkpointAudit },
  ];
};
