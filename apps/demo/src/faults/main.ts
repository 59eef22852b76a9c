// `npm run faults`: shows whether refreshing loses connections. The last line of standard output is its result in JSON.
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosSettings } from './chaos-plan.js';
import { runHealth } from './health/run-health.js';
import { isCloneClean, runClone } from './run-clone.js';
import { runKills } from './run-kills.js';
import { isRestoreClean, runRestore } from './run-restore.js';
import { type FaultSettings, readSettings } from './settings.js';
import { isClean } from './verdict.js';
import type { WorldOptions } from './world.js';

const say = (line: string): void => console.log(line);

/** A minute and a half of every kind of trouble in turn; kills go on through all of them. */
const TROUBLE: ChaosSettings['troubleMillis'] = {
  database_down: 15_000,
  org_500: 10_000,
  org_429: 8_000,
  org_hanging: 12_000,
  org_drops_answers: 3_000,
  server_frozen: 25_000,
};
const KILL_EVERY_MILLIS = 4_500;
const CALM_MILLIS = 10_000;
const SETTLE_MILLIS = 180_000;
const PROGRESS_MILLIS = 5_000;
const SERVERS = 3;

async function kills(settings: FaultSettings): Promise<boolean> {
  const { figures, verdict } = await runKills(
    {
      world: worldOf(settings),
      chaos: {
        ...settings,
        killEveryMillis: KILL_EVERY_MILLIS,
        calmMillis: CALM_MILLIS,
        troubleMillis: TROUBLE,
      },
      settleMillis: SETTLE_MILLIS,
      progressEveryMillis: PROGRESS_MILLIS,
    },
    say,
    (world, judged) => {
      if (!settings.keep && isClean(judged)) return;
      const folder = mkdtempSync(join(tmpdir(), 'authpipe-faults-logs-'));
      for (const { logPath, name } of world.servers) cpSync(logPath, join(folder, `server-${name}.log`));
      say(`The servers' logs are in ${folder}.`);
    },
  );
  say(JSON.stringify(figures));
  // Without a grace losses can't be prevented: the run tells how many there are.
  return settings.graceSeconds === 0 || isClean(verdict);
}

const worldOf = (settings: FaultSettings): WorldOptions => ({
  ...settings,
  servers: SERVERS,
  deploymentId: 'faults',
});

async function clone(settings: FaultSettings): Promise<boolean> {
  const figures = await runClone(worldOf(settings), SETTLE_MILLIS, say);
  say(JSON.stringify(figures));
  return isCloneClean(figures);
}

async function restore(settings: FaultSettings): Promise<boolean> {
  const figures = await runRestore(worldOf(settings), say);
  say(JSON.stringify(figures));
  return isRestoreClean(figures);
}

/** 100 grants, 50 people and 30 roles of 2,000 connections; a tenth of them has the client whose secret is broken. */
async function health({ connections, seed }: FaultSettings): Promise<boolean> {
  const { figures, broken } = await runHealth(
    {
      ...{ connections, seed },
      ofSecondIntegration: Math.max(12, Math.round(connections / 10)),
      callsPerMinute: Math.max(600, connections * 4.5),
      grantsRevoked: Math.round(connections / 20),
      usersDeactivated: Math.round(connections / 40),
      rolesRemoved: Math.round((connections * 3) / 200),
      outageSeconds: 2 * 3600,
      stepSeconds: 5,
    },
    say,
  );
  for (const sentence of broken) say(`BROKEN ${sentence}`);
  say(JSON.stringify(figures));
  return broken.length === 0;
}

async function main(args: readonly string[]): Promise<boolean> {
  const settings = readSettings(args);
  return { kills, clone, restore, health }[settings.scenario](settings);
}

main(process.argv.slice(2)).then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof RangeError ? error.message : error);
    process.exit(1);
  },
);
