import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '../src/clock.js';
import { systemSteadyMillis } from '../src/db/steady-millis.js';
import { recurringWork } from '../src/jobs/recurring-work.js';
import { type JobRun, startJobs } from '../src/jobs/start-jobs.js';
import { createLogger } from '../src/log/logger.js';
import { createSweep } from '../src/sweep.js';

const CONCURRENCY = 16;

import { describeEachEngine } from './support/databases.js';

const log = createLogger('silent');
const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
};

describeEachEngine('jobs', (open) => {
  let told: JobRun[];
  beforeEach(() => {
    told = [];
  });

  it('wake the work again and again, survive its failure, and stop', async () => {
    const db = await open();
    let runs = 0;
    const run = async () => {
      runs += 1;
      if (runs === 1) throw new Error('the first one fails');
    };
    const jobs = await startJobs({
      db,
      clock: systemClock,
      monotonicMillis: systemSteadyMillis,
      observe: (run) => told.push(run),
      log,
      work: [{ name: 'test.sweep', everySeconds: 1, run }],
    });
    await until(() => runs >= 3);
    await jobs.stop();
    const atStop = runs;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(runs).toBe(atStop);
    // For the metrics: each run, how it went, and that it waited in the queue no longer than a test lasts.
    expect(told.map(({ job, result }) => `${job} ${result}`).slice(0, 2)).toEqual([
      'test.sweep failed',
      'test.sweep ok',
    ]);
    expect(
      told.every(({ waitSeconds, seconds }) => waitSeconds >= 0 && waitSeconds < 60 && seconds >= 0),
    ).toBe(true);
    await db.close();
  });

  it('wait for what runs when they are stopped', async () => {
    const db = await open();
    let isBegun = false;
    let isDone = false;
    const run = async () => {
      isBegun = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
      isDone = true;
    };
    const jobs = await startJobs({
      db,
      clock: systemClock,
      monotonicMillis: systemSteadyMillis,
      observe: (run) => told.push(run),
      log,
      work: [{ name: 'test.sweep', everySeconds: 60, run }],
    });
    await until(() => isBegun);
    await jobs.stop();
    expect(isDone).toBe(true);
    await db.close();
  });
});

it('the probes are looked for four times an interval, every ten seconds at least, every second at most', () => {
  const nothing = async () => 0;
  const every = (probeIntervalSeconds: number) =>
    recurringWork({
      sweepDueRefreshes: nothing,
      tellExpiring: nothing,
      sweepDueProbes: nothing,
      sweepSessions: nothing,
      sweepAudit: async () => 0,
      checkpointAudit: async () => 0,
      sweepEvents: nothing,
      probeIntervalSeconds,
    }).find(({ name }) => name === 'health.sweep')?.everySeconds;
  expect([900, 40, 10, 1].map(every)).toEqual([10, 10, 2, 1]);
});

it('a sweep goes on until nothing is due, with no more at once than there are places', async () => {
  let due = 100;
  let running = 0;
  let most = 0;
  const sweep = createSweep<number>({
    claim: async (_now, limit) => {
      const count = Math.min(due, limit);
      due -= count;
      return Array.from({ length: count }, (_, index) => index);
    },
    run: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    },
    isStopping: () => false,
    concurrency: CONCURRENCY,
  });
  expect(await sweep(new Date())).toBe(100);
  expect(most).toBeLessThanOrEqual(CONCURRENCY);
});

it('a sweep keeps nothing of what is done: a long backlog takes no more memory than a short one', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const [pieces, heap] = [200_000, [] as number[]];
  let claimed = 0;
  const sweep = createSweep<number>({
    claim: async (_now, limit) => {
      if (claimed === 0 || claimed >= pieces) {
        collect();
        heap.push(process.memoryUsage().heapUsed);
      }
      const count = claimed >= pieces ? 0 : limit;
      claimed += count;
      return Array.from({ length: count }, (_, index) => index);
    },
    run: async () => {},
    isStopping: () => false,
    concurrency: 1_000,
  });
  expect(await sweep(new Date())).toBe(claimed);
  const [before = 0, after = 0] = heap;
  expect((after - before) / pieces).toBeLessThan(16);
});

it('a sweep claims nothing once the process is on its way out', async () => {
  const sweep = createSweep<number>({
    claim: () => Promise.reject(new Error('claimed')),
    run: async () => {},
    isStopping: () => true,
    concurrency: CONCURRENCY,
  });
  expect(await sweep(new Date())).toBe(0);
});
