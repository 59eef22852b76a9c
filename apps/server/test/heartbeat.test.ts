import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { DatabaseClock } from '../src/db/database-clock.js';
import type { Nodes } from '../src/db/nodes.js';
import { createHeartbeat, startHeartbeat } from '../src/jobs/heartbeat.js';
import { createLogger } from '../src/log/logger.js';

const databaseTime = new Date('2027-01-01T00:00:00Z');

/** A heart over a database that a test can take away. */
const startHeart = ({ onBeat = async () => {} }: { onBeat?: () => Promise<void> } = {}) => {
  const done: string[] = [];
  const lines: string[] = [];
  const corrections: unknown[] = [];
  let [died, millis] = [0, 100];
  let answer = async (): Promise<void> => undefined;
  const nodes: Nodes = {
    id: 'node_1',
    aliveSince: () => databaseTime,
    inTouchSince: () => databaseTime,
    beat: async () => {
      done.push('beat');
      millis += 40;
      await answer();
      return { databaseTime, died };
    },
    leave: async () => {
      done.push('leave');
      await answer();
    },
  };
  const clock: DatabaseClock = {
    now: () => databaseTime,
    correct: (...given) => void corrections.push(given),
    ask: async () => undefined,
  };
  const heartbeat = createHeartbeat({
    nodes,
    clock,
    monotonicMillis: () => millis,
    onBeat: async () => {
      done.push('work');
      await onBeat();
    },
    onDeath: () => void done.push('take over'),
    log: createLogger(
      'info',
      new Writable({ write: (chunk, _encoding, next) => next(void lines.push(String(chunk))) }),
    ),
  });
  return {
    heartbeat,
    done,
    corrections,
    told: (text: string) => lines.filter((line) => line.includes(text)).length,
    setDied: (count: number) => {
      died = count;
    },
    setAway: (isAway: boolean) => {
      answer = async () => {
        if (isAway) throw new Error('the database is away');
      };
    },
    holdAnswers: () => {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      answer = () => released;
      return () => release();
    },
  };
};

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

it('a beat reads the database’s clock, and does what is due once the database has answered', async () => {
  const { heartbeat, done, corrections } = startHeart();
  await heartbeat.beat();
  expect(done).toEqual(['beat', 'work']);
  expect(corrections).toEqual([[databaseTime, 100, 140]]);
});

it('beats that overlap are one', async () => {
  const { heartbeat, done, holdAnswers } = startHeart();
  const release = holdAnswers();
  const beats = [heartbeat.beat(), heartbeat.beat(), heartbeat.beat()];
  release();
  await Promise.all(beats);
  expect(done).toEqual(['beat', 'work']);
  await heartbeat.beat();
  expect(done).toEqual(['beat', 'work', 'beat', 'work']);
});

it('an outage of the database is told once, and its end; what needs the database waits', async () => {
  const { heartbeat, done, told, setAway, corrections } = startHeart();
  setAway(true);
  for (let beat = 0; beat < 5; beat += 1) await heartbeat.beat();
  expect(done).not.toContain('work');
  expect(corrections).toEqual([]);
  expect([told('the database does not answer'), told('the database is back')]).toEqual([1, 0]);
  setAway(false);
  for (let beat = 0; beat < 5; beat += 1) await heartbeat.beat();
  expect([told('the database does not answer'), told('the database is back')]).toEqual([1, 1]);
  expect(done.filter((what) => what === 'work')).toHaveLength(5);
});

it('what dead servers held is taken over at once, after what is kept was written', async () => {
  const { heartbeat, done, setDied } = startHeart();
  setDied(2);
  await heartbeat.beat();
  expect(done).toEqual(['beat', 'work', 'take over']);
  setDied(0);
  await heartbeat.beat();
  expect(done.filter((what) => what === 'take over')).toHaveLength(1);
});

it('a death is not forgotten because the database went away right after it was told', async () => {
  let isFailing = true;
  const { heartbeat, done, setDied } = startHeart({
    onBeat: async () => {
      if (isFailing) throw new Error('the database is away');
    },
  });
  setDied(1);
  await heartbeat.beat();
  expect(done).not.toContain('take over');
  setDied(0);
  isFailing = false;
  await heartbeat.beat();
  await heartbeat.beat();
  expect(done.filter((what) => what === 'take over')).toHaveLength(1);
});

it('a server beats at once and every second until it is stopped, and then is off the list', async () => {
  const { heartbeat, done } = startHeart();
  const { stop } = await startHeartbeat(heartbeat);
  expect(done).toEqual(['beat', 'work']);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(done.filter((what) => what === 'beat')).toHaveLength(4);
  await stop();
  expect(done.at(-1)).toBe('leave');
  await jest.advanceTimersByTimeAsync(3_000);
  expect(done.filter((what) => what === 'beat')).toHaveLength(4);
});

it('a server that stops waits for its last beat, and stops without the database too', async () => {
  const { heartbeat, done, holdAnswers, setAway } = startHeart();
  const release = holdAnswers();
  void heartbeat.beat();
  const stopped = heartbeat.stop();
  expect(done).toEqual(['beat']);
  setAway(true);
  release();
  await stopped;
  expect(done).toEqual(['beat', 'work', 'leave']);
});
