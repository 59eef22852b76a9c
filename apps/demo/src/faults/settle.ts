import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@authpipe/types';
import { callServer, readCredential, tryAtOrg } from './call-server.js';
import type { MadeConnection } from './ledger.js';
import type { ConnectionOutcome } from './verdict.js';
import type { World } from './world.js';

const LOOK_MILLIS = 500;
const READY_MILLIS = 60_000;
/** Tokens are read in groups, as tenants' pages would. */
const AT_A_TIME = 12;
/** Servers that have just been killed and frozen answer late on a busy machine: that is no loss. */
const READABLE_WITHIN_MILLIS = 30_000;

/**
 * Lets the system come to rest, and looks at every connection: faults off, every server up, then until each connection
 * has been refreshed once more or is given up by the servers, for `withinMillis` at most.
 */
export async function settle(world: World, withinMillis: number): Promise<ConnectionOutcome[]> {
  await world.org.clearFaults();
  await world.postgres.start();
  for (const server of world.servers) {
    server.thaw();
    server.start();
  }
  for (const server of world.servers) await server.untilReady(READY_MILLIS);
  const calmSince = Date.now();
  await untilEachWasRefreshed(world, calmSince, withinMillis);
  const outcomes = await inGroups(world.ledger.connections, (connection, index) =>
    lookAt(world, connection, index),
  );
  await world.org.flush();
  return outcomes;
}

async function untilEachWasRefreshed(world: World, since: number, withinMillis: number): Promise<void> {
  const { ledger } = world;
  while (Date.now() < since + withinMillis) {
    await sleep(LOOK_MILLIS);
    const refreshed = new Set(
      ledger.tokenRequests
        .filter(({ arrivedAtMillis, status }) => arrivedAtMillis >= since && status === 200)
        .map(({ grantId }) => grantId),
    );
    const open = ledger.connections.filter(({ grantId }) => !refreshed.has(grantId));
    if (open.length === 0) return;
    const states = await inGroups(open, (connection) => stateOf(world, connection));
    if (states.every((state) => state?.status === 'needs_reconnect')) return;
  }
}

async function stateOf(
  { servers, apiKey }: World,
  { connectionId }: MadeConnection,
): Promise<Connection | null> {
  const { body } = await callServer<Connection>(
    servers[0]?.url ?? '',
    apiKey,
    `/connections/${connectionId}`,
  );
  return body;
}

/** Reads a connection's credential, by any server, and tries it at the org: lost is what stays so. */
export async function lookAt(
  world: World,
  connection: MadeConnection,
  index = 0,
): Promise<ConnectionOutcome> {
  const { connectionId } = connection;
  const state = await stateOf(world, connection);
  const found = {
    connectionId,
    status: state?.status ?? null,
    reason: state?.reason ?? null,
  };
  const until = Date.now() + READABLE_WITHIN_MILLIS;
  for (let attempt = 0; ; attempt += 1) {
    const server = world.servers[(index + attempt) % world.servers.length];
    const { body } = await readCredential(server?.url ?? '', world.apiKey, connectionId);
    // It may have been in its last second: the next reading gives its successor.
    const isAccepted = body !== null && (await tryAtOrg(world.org.url, body)) === 200;
    if (isAccepted || found.status === 'needs_reconnect' || Date.now() > until)
      return { ...found, isReadable: body !== null, isAccepted };
    await sleep(LOOK_MILLIS * 2);
  }
}

async function inGroups<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    const group = items.slice(from, from + AT_A_TIME);
    results.push(...(await Promise.all(group.map((item, offset) => work(item, from + offset)))));
  }
  return results;
}
