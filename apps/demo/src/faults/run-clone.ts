import { setTimeout as sleep } from 'node:timers/promises';
import { readCredential } from './call-server.js';
import { copyDatabase } from './copy-database.js';
import type { FleetServer } from './fleet-server.js';
import { requestsOf } from './ledger.js';
import type { Say } from './report.js';
import { settle } from './settle.js';
import { waitUntil } from './wait-until.js';
import { DATABASE, makeConnection, startWorld, type World, type WorldOptions } from './world.js';

/** What a staging server did with a copy of production's database. */
export interface CloneFigures {
  readonly faults: 'clone';
  readonly connections: number;
  /** Of the originals', when everything was over. */
  readonly lost: number;
  readonly falseReconnects: number;
  readonly familyRevocations: number;
  /** How many staging servers there were, how many of them froze, and how many went on after `authpipe adopt --copy`. */
  readonly copies: number;
  readonly frozen: number;
  readonly adopted: number;
  /** Calls of staging servers for connections that are the originals'. */
  readonly foreignRefreshes: number;
  /** Credentials that frozen staging servers gave out. */
  readonly servedWhileFrozen: number;
  /** Staging servers that refreshed a connection made on them after the adoption. */
  readonly refreshedOwn: number;
}

/** Copies are started without a deployment's name, and with another one. */
const STAGINGS = [
  { name: 'staging', database: 'staging_nameless', deploymentId: null },
  { name: 'named', database: 'staging_named', deploymentId: 'staging' },
] as const;

const START_MILLIS = 60_000;
const THAW_MILLIS = 30_000;

/** Copies a database under running servers, and lets staging servers run on the copies while the originals go on. */
export async function runClone(options: WorldOptions, settleMillis: number, say: Say): Promise<CloneFigures> {
  const world = await startWorld(options);
  const lifetimeMillis = options.tokenSeconds * 1000;
  try {
    say(`${options.connections} connections made; waiting for a rotation of each.`);
    await waitUntil(() => hasEachRotated(world), lifetimeMillis * 3);
    const reports: StagingReport[] = [];
    for (const staging of STAGINGS) reports.push(await runStaging(world, staging, lifetimeMillis, say));
    const outcomes = await settle(world, settleMillis);
    const { familyRevocations } = await world.org.counters();
    const count = (what: (report: StagingReport) => number) =>
      reports.reduce((sum, report) => sum + what(report), 0);
    return {
      faults: 'clone',
      connections: outcomes.length,
      lost: outcomes.filter(({ isReadable, isAccepted }) => !isReadable || !isAccepted).length,
      falseReconnects: outcomes.filter(({ status }) => status === 'needs_reconnect').length,
      familyRevocations,
      copies: reports.length,
      frozen: count(({ isFrozen }) => Number(isFrozen)),
      adopted: count(({ isAdopted }) => Number(isAdopted)),
      foreignRefreshes: count(({ foreignRefreshes }) => foreignRefreshes),
      servedWhileFrozen: count(({ served }) => served),
      refreshedOwn: count(({ refreshedOwn }) => Number(refreshedOwn)),
    };
  } finally {
    await world.close();
  }
}

/** Whether the copies did no harm and were of use. */
export function isCloneClean(figures: CloneFigures): boolean {
  const { lost, falseReconnects, familyRevocations, foreignRefreshes } = figures;
  const { copies, frozen, adopted, refreshedOwn, servedWhileFrozen } = figures;
  return (
    [lost, falseReconnects, familyRevocations, foreignRefreshes].every((count) => count === 0) &&
    [frozen, adopted, refreshedOwn].every((count) => count === copies) &&
    servedWhileFrozen > 0
  );
}

interface StagingReport {
  readonly isFrozen: boolean;
  readonly isAdopted: boolean;
  readonly served: number;
  readonly foreignRefreshes: number;
  readonly refreshedOwn: boolean;
}

async function runStaging(
  world: World,
  { name, database, deploymentId }: (typeof STAGINGS)[number],
  lifetimeMillis: number,
  say: Say,
): Promise<StagingReport> {
  await copyDatabase(world.postgres, DATABASE, database);
  const server = await world.addServer(name, database, deploymentId);
  server.start();
  await server.untilReady(START_MILLIS);
  const isFrozen = await waitUntil(async () => (await server.refreshState()) === 'frozen', 5_000);
  const served = await countServed(world, server);
  say(
    `${name}: ${isFrozen ? 'frozen' : 'NOT FROZEN'}, serves ${served} of ${world.ledger.connections.length}.`,
  );
  // Its copies of the tokens end, and the originals rotate theirs: the worst time to refresh one.
  await sleep(lifetimeMillis * 2);

  const adoptedAt = Date.now();
  const { code, printed } = await server.runCommand(['adopt', '--copy']);
  if (code !== 0) say(`${name}: authpipe adopt --copy ended with ${code}: ${printed.trim().slice(0, 300)}`);
  const isAdopted =
    code === 0 && (await waitUntil(async () => (await server.refreshState()) === 'running', THAW_MILLIS));
  const own = await makeConnection(world, server, 'person0@acme.test', 'staging').catch(() => null);
  const refreshedOwn =
    own !== null &&
    (await waitUntil(
      () => requestsOf(world.ledger, own).some(({ issuedRefreshToken }) => issuedRefreshToken !== null),
      lifetimeMillis * 2,
    ));
  await sleep(lifetimeMillis * 2);
  await server.stop();
  await world.org.flush();
  const originals = new Set(world.ledger.connections.map(({ grantId }) => grantId));
  const foreign = world.ledger.tokenRequests.filter(
    ({ caller, grantId }) =>
      caller?.startsWith(`${name}#`) === true && (grantId === null || originals.has(grantId)),
  );
  const whileFrozen = foreign.filter(({ arrivedAtMillis }) => arrivedAtMillis < adoptedAt).length;
  say(
    `${name}: ${isAdopted ? 'adopted' : 'NOT ADOPTED'}, ${foreign.length} calls for the originals’ connections (${whileFrozen} before), ` +
      `${refreshedOwn ? 'refreshed its own connection' : 'DID NOT REFRESH its own connection'}.`,
  );
  return { isFrozen, isAdopted, served, foreignRefreshes: foreign.length, refreshedOwn };
}

async function countServed({ apiKey, ledger }: World, server: FleetServer): Promise<number> {
  let served = 0;
  for (const { connectionId } of ledger.connections) {
    const askedAt = Date.now();
    const { body } = await readCredential(server.url, apiKey, connectionId);
    if (body?.expiresAt != null && Date.parse(body.expiresAt) > askedAt) served += 1;
  }
  return served;
}

function hasEachRotated({ ledger }: World): boolean {
  const rotated = new Set(
    ledger.tokenRequests.filter((one) => one.issuedRefreshToken !== null).map(({ grantId }) => grantId),
  );
  return ledger.connections.every(({ grantId }) => rotated.has(grantId));
}
