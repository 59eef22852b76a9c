import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../org/index.js';
import type { ChaosPlan, PlannedKill, PlannedTrouble, TroubleKind } from './chaos-plan.js';
import type { FleetServer } from './fleet-server.js';
import type { Span } from './ledger.js';
import type { World } from './world.js';

/** Where a run stands. */
export interface ChaosProgress {
  kills: number;
  /** Kinds of trouble that are on now. */
  readonly trouble: Set<TroubleKind>;
}

/** More calls than come while a fault lasts. */
const ALL_CALLS = 1_000_000;
const POLL_MILLIS = 20;

const ORG_FAULTS: Readonly<Partial<Record<TroubleKind, Fault>>> = {
  org_500: { kind: 'server_error', times: ALL_CALLS },
  org_429: { kind: 'rate_limit', times: ALL_CALLS },
  org_hanging: { kind: 'hang', times: ALL_CALLS },
  org_drops_answers: { kind: 'drop_answer', times: ALL_CALLS },
};

const chosen = (servers: readonly FleetServer[], fraction: number): FleetServer | undefined =>
  servers[Math.floor(fraction * servers.length)];

/** Does to the world what the plan says, and writes it into the ledger. Resolves when all of it is over. */
export async function makeChaos(world: World, plan: ChaosPlan, progress: ChaosProgress): Promise<void> {
  const clock = startRunClock(world.servers);

  const kill = async (planned: PlannedKill): Promise<void> => {
    const { atMillis, victim, mayHitStarting, restartAfterMillis } = planned;
    await clock.until(atMillis);
    let server: FleetServer | undefined;
    // One that is frozen on purpose is left alone: it is to come back long after its lease.
    while (!server) {
      server = chosen(
        world.servers.filter(({ isReady, isRunning, isFrozen }) =>
          mayHitStarting ? isRunning && !isFrozen : isReady,
        ),
        victim,
      );
      if (!server) await sleep(POLL_MILLIS);
    }
    const dead = server;
    if (await dead.kill()) progress.kills += 1;
    setTimeout(() => dead.start(), restartAfterMillis);
  };

  const trouble = async (planned: PlannedTrouble): Promise<void> => {
    await clock.until(planned.fromMillis);
    progress.trouble.add(planned.kind);
    await troubleOf(planned);
    progress.trouble.delete(planned.kind);
  };

  const troubleOf = async (planned: PlannedTrouble): Promise<void> => {
    const { kind, fromMillis, toMillis, victim } = planned;
    const lasts = () => sleep(toMillis - fromMillis);
    if (kind === 'database_down') {
      const span: Span = { fromMillis: Date.now(), toMillis: null };
      world.ledger.databaseDown.push(span);
      await world.postgres.stop();
      await lasts();
      await world.postgres.start();
      span.toMillis = Date.now();
      return;
    }
    if (kind === 'server_frozen') {
      const server = chosen(
        world.servers.filter(({ isReady }) => isReady),
        victim,
      );
      server?.freeze();
      await lasts();
      server?.thaw();
      return;
    }
    const fault = ORG_FAULTS[kind];
    if (!fault) return;
    await world.org.failNext(fault);
    const span = { kind, fromMillis: Date.now(), toMillis: null };
    // An answer that was lost can be asked for again: that is no time in which nobody could have refreshed.
    if (kind !== 'org_drops_answers') world.ledger.orgTrouble.push(span);
    await lasts();
    Object.assign(span, { toMillis: Date.now() });
    await world.org.clearFaults();
  };

  const inTurn = async <Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> => {
    for (const item of items) await act(item);
  };
  try {
    await Promise.all([inTurn(plan.kills, kill), inTurn(plan.troubles, trouble)]);
  } finally {
    clock.stop();
  }
}

interface RunClock {
  /** Resolves when the run has come so far. */
  until(atMillis: number): Promise<void>;
  stop(): void;
}

/** The run's own time: it goes as fast as the part of the servers that are up. */
function startRunClock(servers: readonly FleetServer[]): RunClock {
  let atMillis = 0;
  let lookedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    atMillis += ((now - lookedAt) * servers.filter(({ isReady }) => isReady).length) / servers.length;
    lookedAt = now;
  }, POLL_MILLIS);
  return {
    async until(wantedMillis) {
      while (atMillis < wantedMillis) await sleep(POLL_MILLIS);
    },
    stop: () => clearInterval(timer),
  };
}
