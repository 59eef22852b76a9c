import type { Say } from '../report.js';
import { createSeededRandom } from '../seeded-random.js';
import { createCallRate } from './call-rate.js';
import { type HealthFigures, judgeHealth, type TakenAway, type ToldEvent } from './health-verdict.js';
import { type HealthWorld, type HealthWorldOptions, startHealthWorld } from './health-world.js';

export interface HealthRunOptions extends Omit<HealthWorldOptions, 'probeIntervalSeconds'> {
  readonly grantsRevoked: number;
  readonly usersDeactivated: number;
  readonly rolesRemoved: number;
  readonly outageSeconds: number;
  /** How much simulated time goes by at once. */
  readonly stepSeconds: number;
  readonly seed: number;
}

/** Of OAuth with introspection: the schedule that the run is held to. */
export const PROBE_INTERVAL_SECONDS = 900;
/** Time to prove what was imported, and to look at all of it once more. */
const WARM_UP_SECONDS = 3 * PROBE_INTERVAL_SECONDS;
/** From the changes to the outage: an interval, and a little for what is told late. */
const DETECT_SECONDS = PROBE_INTERVAL_SECONDS + 120;
/** After the outage: all are looked at again, and then once more. */
const RECOVER_SECONDS = 3 * PROBE_INTERVAL_SECONDS;
/** It breaks, is gone, and calls every token dead: whatever it answers. */
const OUTAGE = ['server_error', 'drop', 'deny'] as const;
const EVERYTHING = 1_000_000_000;

const EVENTS = `SELECT type, connection_id AS "connectionId", payload, time FROM events
  WHERE type IN ('connection.degraded', 'connection.needs_reconnect', 'connection.recovered', 'integration.degraded')
  ORDER BY sequence`;

const COUNTS = `SELECT status, count(*)::int AS count FROM connections GROUP BY status ORDER BY status`;

/** Runs the whole story and judges it by the events that were told. */
export async function runHealth(
  options: HealthRunOptions,
  say: Say,
): Promise<{ figures: HealthFigures; broken: readonly string[] }> {
  const world = await startHealthWorld({ ...options, probeIntervalSeconds: PROBE_INTERVAL_SECONDS });
  try {
    return await runIn(world, options, say);
  } finally {
    await world.close();
  }
}

async function runIn(world: HealthWorld, options: HealthRunOptions, say: Say) {
  const { clock, org, servers } = world;
  const [first] = servers;
  if (!first) throw new Error('There is no server.');
  const rate = createCallRate(org.control);
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += options.stepSeconds) {
      clock.move(options.stepSeconds);
      await Promise.all(servers.map((server) => server.tick()));
      rate.look(clock.millis());
    }
  };
  const counts = async () =>
    (await first.query<{ status: string; count: number }>('faults_counts', COUNTS))
      .map(({ status, count }) => `${count} ${status}`)
      .join(', ');

  say(
    `${world.connections.length} connections at one org, two replicas; an interval is ${PROBE_INTERVAL_SECONDS} s.`,
  );
  await pass(WARM_UP_SECONDS);
  say(`After ${WARM_UP_SECONDS} s: ${await counts()}.`);

  const taken = takeAway(world, options);
  org.control.breakClientSecret(world.secondClientId);
  const changedAt = clock.millis();
  say(`Taken away: ${taken.length}. The secret of the second integration is broken.`);
  await pass(DETECT_SECONDS);
  say(`${DETECT_SECONDS} s later: ${await counts()}.`);
  org.control.restoreClientSecret(world.secondClientId);
  await pass(PROBE_INTERVAL_SECONDS);

  // After an outage refreshes introspect too, to see whether a lost answer had rotated: those are no probes.
  const { introspections } = rate.most();
  const outageAt = clock.millis();
  for (const kind of OUTAGE) {
    org.control.clearFaults();
    org.control.failNext({ kind, times: EVERYTHING, path: '/' });
    await pass(options.outageSeconds / OUTAGE.length);
  }
  say(`The org was down for ${options.outageSeconds} s: ${await counts()}.`);
  org.control.clearFaults();
  await pass(RECOVER_SECONDS);
  say(`${RECOVER_SECONDS} s after it: ${await counts()}.`);
  const mostCalls = Math.max(introspections, rate.most().apiCalls);
  say(`Most probes of one endpoint in a minute: ${mostCalls}; the org allows ${options.callsPerMinute}.`);

  const events = await first.query<ToldEvent>('faults_events', EVENTS);
  const states = await first.query<{ id: string; status: string }>(
    'faults_states',
    'SELECT id, status FROM connections',
  );
  return judgeHealth({
    ...{ taken, events, states, changedAt, outageAt },
    intervalSeconds: PROBE_INTERVAL_SECONDS,
    mostCalls,
    allowedCalls: options.callsPerMinute / 20,
  });
}

/** Takes grants, people and roles away at one moment, from the first integration's connections, at random. */
function takeAway({ connections, org }: HealthWorld, options: HealthRunOptions): TakenAway[] {
  const random = createSeededRandom(options.seed);
  const candidates = random.shuffled(
    connections
      .filter(({ integration }) => integration === 'okta')
      .sort((a, b) => a.email.localeCompare(b.email)),
  );
  const next = (count: number) => candidates.splice(0, count);
  const revoked = next(options.grantsRevoked).map(({ id, grantId }): TakenAway => {
    org.control.revokeGrants({ grantId });
    return { id, status: 'needs_reconnect', reason: null };
  });
  const deactivated = next(options.usersDeactivated).map(({ id, email }): TakenAway => {
    org.control.deactivateUser(email);
    return { id, status: 'needs_reconnect', reason: null };
  });
  const withoutRole = next(options.rolesRemoved).map(({ id, email }): TakenAway => {
    org.control.setAdminRole(email, 'NONE');
    return { id, status: 'degraded', reason: 'role_lost' };
  });
  return [...revoked, ...deactivated, ...withoutRole];
}
