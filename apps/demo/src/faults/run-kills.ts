import { makeChaos } from './chaos.js';
import { type ChaosPlan, type ChaosSettings, planChaos } from './chaos-plan.js';
import { startReaders } from './readers.js';
import { type Figures, figuresOf, reportHarm, type Say } from './report.js';
import { createSeededRandom } from './seeded-random.js';
import { settle } from './settle.js';
import { judge, type Verdict } from './verdict.js';
import { startWorld, type World, type WorldOptions } from './world.js';

/** A run through kills and outages. */
export interface KillsRun {
  readonly world: WorldOptions;
  readonly chaos: ChaosSettings;
  /** How long everything may take to come to rest at the end. */
  readonly settleMillis: number;
  readonly progressEveryMillis: number;
}

export interface KillsResult {
  readonly figures: Figures;
  readonly verdict: Verdict;
}

/** Where the servers' logs are kept after a run, or `null` where they went with it. */
export type KeepLogs = (world: World, verdict: Verdict) => void;

/**
 * Makes a world, does to it what the plan says while readers read, lets it come to rest, and judges it. Everything that
 * was counted is in the verdict.
 */
export async function runKills(run: KillsRun, say: Say, keepLogs?: KeepLogs): Promise<KillsResult> {
  const plan = planChaos(run.chaos);
  say(describePlan(run, plan));
  const world = await startWorld(run.world);
  say(`${run.world.connections} connections made; it begins.`);
  try {
    const random = createSeededRandom(run.chaos.seed + 1);
    const readers = startReaders(world, random.fraction);
    const progress = { kills: 0, trouble: new Set<never>() };
    const startedAt = Date.now();
    const tell = () => {
      const trouble = [...progress.trouble].join(', ') || 'no trouble';
      say(
        `${seconds(Date.now() - startedAt)} s: ${progress.kills}/${run.chaos.kills} kills, ` +
          `${world.ledger.tokenRequests.filter(({ issuedRefreshToken }) => issuedRefreshToken).length} refreshes, ` +
          `${readers.notes.served}/${readers.notes.reads} reads served, ${trouble}`,
      );
    };
    const teller = setInterval(tell, run.progressEveryMillis);
    try {
      await makeChaos(world, plan, progress);
    } finally {
      clearInterval(teller);
    }
    tell();
    say('Faults are over; waiting until everything has come to rest.');
    const outcomes = await settle(world, run.settleMillis);
    await readers.stop();
    await world.org.flush();
    const verdict = judge(world.ledger, { outcomes, ...readers.notes });
    await checkTheLedger(world);
    reportHarm(verdict, world.ledger, say);
    const { notes } = readers;
    const deaths = world.servers.map(({ name, deaths: count }) => `${name}: ${count}`).join(', ');
    const refused = [...notes.refusedReads].map(([code, count]) => `${code} ${count}`).join(', ');
    say(
      `Reads: ${notes.reads}, served ${notes.served} (${notes.tried} tried at the org, ${notes.refusals.length} refused there, ` +
        `${notes.expiredServed} expired); not served: ${refused || 'none'}.`,
    );
    say(`Servers that ended by themselves: ${deaths}.`);
    keepLogs?.(world, verdict);
    return { figures: figuresOf(verdict, progress.kills, world.ledger), verdict };
  } finally {
    await world.close();
  }
}

/** The ledger has to agree with the org's own count, or no figure is worth anything. @throws Error when it does not */
async function checkTheLedger({ org, ledger }: World): Promise<void> {
  const counters = await org.counters();
  const revocations = ledger.tokenRequests.filter(({ familyRevoked }) => familyRevoked).length;
  const refreshes = ledger.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').length;
  if (counters.familyRevocations !== revocations || counters.refreshRequests < refreshes)
    throw new Error(
      `The ledger is wrong: it has ${revocations} family revocations and ${refreshes} refreshes, the org ${counters.familyRevocations} and ${counters.refreshRequests}.`,
    );
}

const seconds = (millis: number): string => (millis / 1000).toFixed(0);

function describePlan({ chaos, world }: KillsRun, plan: ChaosPlan): string {
  const counts = new Map<string, number>();
  for (const { kind } of plan.troubles) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const troubles = [...counts].map(([kind, count]) => `${kind} ×${count}`).join(', ');
  return (
    `Seed ${chaos.seed}: ${plan.kills.length} kills over about ${seconds(plan.endMillis)} s on ${world.servers} servers, ` +
    `${world.connections} connections, tokens of ${world.tokenSeconds} s, grace ${world.graceSeconds} s; ${troubles || 'no other trouble'}.`
  );
}
