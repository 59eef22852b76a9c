/** What is printed last. */
export interface HealthFigures {
  readonly faults: 'health';
  /** Connections from which something was taken away. */
  readonly revoked: number;
  /** Of those, how many were told of with the right state. */
  readonly detected: number;
  /** Connections that were told of as bad though nothing was taken from them. */
  readonly falsePositives: number;
  /** The most events that one change was told by. */
  readonly eventsPerChange: number;
  /** Simulated seconds from the change to its event. */
  readonly detectSecondsP99: number;
}

/** Something that was taken from a connection, and what it has to come to. */
export interface TakenAway {
  readonly id: string;
  readonly status: 'needs_reconnect' | 'degraded';
  /** Any, when null. */
  readonly reason: string | null;
}

/** An event as the outbox has it. */
export interface ToldEvent {
  readonly type: string;
  readonly connectionId: string | null;
  readonly payload: {
    readonly reason: string | null;
    readonly integration: string | null;
    readonly failedApi?: string;
  };
  readonly time: Date;
}

export interface HealthStory {
  readonly taken: readonly TakenAway[];
  readonly events: readonly ToldEvent[];
  /** How all connections stand in the end. */
  readonly states: readonly { readonly id: string; readonly status: string }[];
  readonly changedAt: number;
  readonly outageAt: number;
  readonly intervalSeconds: number;
  /** Of one endpoint in any minute. */
  readonly mostCalls: number;
  readonly allowedCalls: number;
}

const percentile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
};

/** Judges a run by what was told. `broken` names each promise that did not hold. */
export function judgeHealth(story: HealthStory): { figures: HealthFigures; broken: readonly string[] } {
  const { taken, events, states, changedAt, outageAt, intervalSeconds } = story;
  const byConnection = new Map<string, ToldEvent[]>();
  for (const event of events) {
    if (event.connectionId === null) continue;
    byConnection.set(event.connectionId, [...(byConnection.get(event.connectionId) ?? []), event]);
  }
  const isTaken = new Set(taken.map(({ id }) => id));
  const isRight = ({ status, reason }: TakenAway, { type, payload }: ToldEvent): boolean =>
    type === `connection.${status}` &&
    (reason === null || payload.reason === reason) &&
    (reason !== 'role_lost' || payload.failedApi === 'GET /api/v1/users');

  const detectSeconds: number[] = [];
  for (const one of taken) {
    const told = (byConnection.get(one.id) ?? []).find((event) => isRight(one, event));
    if (told) detectSeconds.push((told.time.getTime() - changedAt) / 1000);
  }
  const falsePositives = [...byConnection.keys()].filter((id) => !isTaken.has(id));
  // One broken secret and one outage are a change each, of the integration or the host.
  const ofPlaces = events.filter(({ type }) => type === 'integration.degraded');
  const ofSecret = ofPlaces.filter(({ time }) => time.getTime() <= outageAt);
  const perConnection = taken.map(({ id }) => byConnection.get(id)?.length ?? 0);
  const figures: HealthFigures = {
    faults: 'health',
    revoked: taken.length,
    detected: detectSeconds.length,
    falsePositives: falsePositives.length,
    eventsPerChange: Math.max(...perConnection, ofSecret.length, ofPlaces.length - ofSecret.length),
    detectSecondsP99: percentile(detectSeconds, 0.99),
  };
  const unwell = states.filter(({ id, status }) => status !== 'healthy' && !isTaken.has(id));
  const broken = [
    [figures.detected === figures.revoked, `${figures.revoked - figures.detected} changes were not detected`],
    [figures.falsePositives === 0, `${figures.falsePositives} connections were told of as bad for nothing`],
    [figures.eventsPerChange === 1, `a change was told by ${figures.eventsPerChange} events`],
    [figures.detectSecondsP99 <= intervalSeconds, `it took ${figures.detectSecondsP99} s to detect`],
    [ofSecret.length === 1, `the broken secret was told ${ofSecret.length} times`],
    [
      ofPlaces.length - ofSecret.length === 1,
      `the outage was told ${ofPlaces.length - ofSecret.length} times`,
    ],
    [unwell.length === 0, `${unwell.length} connections are not well in the end`],
    [
      story.mostCalls <= story.allowedCalls,
      `${story.mostCalls} calls of one endpoint in a minute, where ${story.allowedCalls} are a twentieth`,
    ],
  ] as const;
  return { figures, broken: broken.filter(([holds]) => !holds).map(([, sentence]) => sentence) };
}
