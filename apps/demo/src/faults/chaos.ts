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
  const startedAt = Date.now();
  const until = async (atMillis: number) => {
    const wait = startedAt + atMillis - Date.now();
    if (wait > 0) await sleep(wait);
  };

  const kill = async ({ atMillis, victim, restartAfterMillis }: PlannedKill): Promise<void> => {
    await until(atMillis);
    let server: FleetServer | undefined;
    // One that is frozen on purpose is left alone: it is to come back long after its lease.
    while (!server) {
      server = chosen(
        world.servers.filter(({ isRunning, isFrozen }) => isRunning && !isFrozen),
        victim,
      );
      if (!server) await sleep(POLL_MILLIS);
    }
    const dead = server;
    if (await dead.kill()) progress.kills += 1;
    setTimeout(() => dead.start(), restartAfterMillis);
  };

  const trouble = async (planned: PlannedTrouble): Promise<void> => {
    await until(planned.fromMillis);
    progress.trouble.add(planned.kind);
    await troubleOf(planned);
    progress.trouble.delete(planned.kind);
  };

  const troubleOf = async (planned: PlannedTrouble): Promise<void> => {
    const { kind, toMillis, victim } = planned;
    if (kind === 'database_down') {
      const span: Span = { fromMillis: Date.now(), toMillis: null };
      world.ledger.databaseDown.push(span);
      await world.postgres.stop();
      await until(toMillis);
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
      await until(toMillis);
      server?.thaw();
      return;
    }
    const fault = ORG_FAULTS[kind];
    if (!fault) return;
    await world.org.failNext(fault);
    const span = { kind, fromMillis: Date.now(), toMillis: null };
    // An answer that was lost can be asked for again: that is no time in which nobody could have refreshed.
    if (kind !== 'org_drops_answers') world.ledger.orgTrouble.push(span);
    await until(toMillis);
    Object.assign(span, { toMillis: Date.now() });
    await world.org.clearFaults();
  };

  const inTurn = async <Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> => {
    for (const item of items) await act(item);
  };
  await Promise.all([inTurn(plan.kills, kill), inTurn(plan.troubles, trouble)]);
}
