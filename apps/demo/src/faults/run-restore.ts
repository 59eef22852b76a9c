import { setTimeout as sleep } from 'node:timers/promises';
import { callServer } from './call-server.js';
import { copyDatabase } from './copy-database.js';
import type { MadeConnection } from './ledger.js';
import type { Say } from './report.js';
import { lookAt } from './settle.js';
import type { ConnectionOutcome } from './verdict.js';
import { waitUntil } from './wait-until.js';
import { DATABASE, makeConnection, startWorld, type World, type WorldOptions } from './world.js';

/** What servers did with yesterday's backup in place of their database. */
export interface RestoreFigures {
  readonly faults: 'restore';
  readonly connections: number;
  /** Connections whose refresh token had not been used since the backup, and that are not good for all that. */
  readonly lost: number;
  readonly familyRevocations: number;
  /** Connections whose refresh token was used since: gone with what came after the backup, and named so. */
  readonly lostToBackup: number;
  readonly servers: number;
  readonly frozen: number;
  readonly adopted: number;
  /** Refresh tokens sent to the org before the adoption. */
  readonly refreshesWhileFrozen: number;
}

const BACKUP = 'backup';
const START_MILLIS = 60_000;
const THAW_MILLIS = 30_000;
const RESTING_SECONDS = 3_600;
/** Rotations of each busy connection after the backup. */
const ROTATIONS = 2;

/**
 * Backs the database up, goes on, and puts the backup in its place. Half of the connections are busy and rotate their
 * refresh tokens after the backup; the others rest, and what the backup has of them is still good.
 */
export async function runRestore(options: WorldOptions, say: Say): Promise<RestoreFigures> {
  const world = await startWorld({ ...options, connections: Math.ceil(options.connections / 2) });
  const lifetimeMillis = options.tokenSeconds * 1000;
  try {
    const busy = [...world.ledger.connections];
    const resting = await makeResting(world, options);
    say(`${busy.length} busy and ${resting.length} resting connections made; backing up.`);
    await sleep(lifetimeMillis);
    await copyDatabase(world.postgres, DATABASE, BACKUP);
    const backedUpAt = Date.now();
    const hasGoneOn = await waitUntil(
      () => busy.every((connection) => rotationsSince(world, connection, backedUpAt) >= ROTATIONS),
      lifetimeMillis * (ROTATIONS + 3),
    );
    await sleep(options.graceSeconds * 1000);
    say(hasGoneOn ? 'Each busy connection has rotated; restoring.' : 'NOT EACH busy connection has rotated.');

    for (const server of world.servers) await server.stop();
    await world.postgres.sql(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
    await world.postgres.sql(`ALTER DATABASE ${BACKUP} RENAME TO ${DATABASE}`);
    const restoredAt = Date.now();
    for (const server of world.servers) server.start();
    for (const server of world.servers) await server.untilReady(START_MILLIS);
    const countInState = async (state: string) => {
      const states = await Promise.all(world.servers.map((server) => server.refreshState()));
      return states.filter((one) => one === state).length;
    };
    await waitUntil(async () => (await countInState('frozen')) === world.servers.length, 5_000);
    const frozen = await countInState('frozen');
    await sleep(lifetimeMillis * 2);
    await world.org.flush();
    const refreshesWhileFrozen = world.ledger.tokenRequests.filter(
      ({ arrivedAtMillis }) => arrivedAtMillis >= restoredAt,
    ).length;
    say(`${frozen} of ${world.servers.length} servers frozen; ${refreshesWhileFrozen} refreshes meanwhile.`);

    const adopted = await adopt(world, say, countInState);
    await sleep(lifetimeMillis * 3);
    const [first] = world.servers;
    for (const { connectionId } of resting)
      await callServer(first?.url ?? '', world.apiKey, `/connections/${connectionId}/refresh`, {
        method: 'POST',
        body: {},
      });
    const restingLost = await countLost(world, resting);
    const busyOutcomes: ConnectionOutcome[] = [];
    for (const connection of busy) busyOutcomes.push(await lookAt(world, connection));
    const { familyRevocations } = await world.org.counters();
    const isGood = (one: ConnectionOutcome) => one.isReadable && one.isAccepted;
    const isNamed = (one: ConnectionOutcome) =>
      one.status === 'needs_reconnect' && one.reason === 'rotation_lost';
    return {
      faults: 'restore',
      connections: busy.length + resting.length,
      lost: restingLost + busyOutcomes.filter((one) => !isGood(one) && !isNamed(one)).length,
      familyRevocations,
      lostToBackup: busyOutcomes.filter(isNamed).length,
      servers: world.servers.length,
      frozen,
      adopted,
      refreshesWhileFrozen,
    };
  } finally {
    await world.close();
  }
}

/** Whether the backup did no more harm than it had to. */
export function isRestoreClean(figures: RestoreFigures): boolean {
  const { lost, familyRevocations, servers, frozen, adopted, refreshesWhileFrozen } = figures;
  return (
    lost === 0 &&
    familyRevocations === 0 &&
    refreshesWhileFrozen === 0 &&
    frozen === servers &&
    adopted === servers
  );
}

async function makeResting(
  world: World,
  { connections, tokenSeconds }: WorldOptions,
): Promise<MadeConnection[]> {
  const [first] = world.servers;
  if (!first) throw new Error('There is no server.');
  await world.org.setAccessTokenLifetime(RESTING_SECONDS);
  const resting: MadeConnection[] = [];
  for (let index = 0; index < Math.floor(connections / 2); index += 1)
    resting.push(await makeConnection(world, first, `person${index}@acme.test`, 'resting'));
  await world.org.setAccessTokenLifetime(tokenSeconds);
  world.ledger.connections.push(...resting);
  return resting;
}

function rotationsSince({ ledger }: World, { grantId }: MadeConnection, since: number): number {
  return ledger.tokenRequests.filter(
    (one) => one.grantId === grantId && one.arrivedAtMillis >= since && one.issuedRefreshToken !== null,
  ).length;
}

/** Runs `authpipe adopt --replace` beside one server. Resolves to how many servers refresh after it. */
async function adopt(
  world: World,
  say: Say,
  countInState: (state: string) => Promise<number>,
): Promise<number> {
  const adopter = await world.servers[0]?.runCommand(['adopt', '--replace']);
  if (adopter?.code !== 0) {
    say(`authpipe adopt --replace ended with ${adopter?.code}: ${adopter?.printed.trim().slice(0, 300)}`);
    return 0;
  }
  await waitUntil(async () => (await countInState('running')) === world.servers.length, THAW_MILLIS);
  return countInState('running');
}

async function countLost(world: World, connections: readonly MadeConnection[]): Promise<number> {
  let lost = 0;
  for (const connection of connections) {
    const { isReadable, isAccepted } = await lookAt(world, connection);
    if (!isReadable || !isAccepted) lost += 1;
  }
  return lost;
}
