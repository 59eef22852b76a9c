import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { createLogger } from '../src/log/logger.js';
import { systemRandomness } from '../src/randomness.js';
import {
  type Admission,
  createTokenEndpointGate,
  type TokenEndpointGate,
} from '../src/refresh/token-endpoint-gate.js';
import { limitPace, momentOfRecovery, openSecondsByStep } from '../src/refresh/token-endpoint-pace.js';
import { describeEachEngine } from './support/databases.js';
import { testClock } from './support/world.js';

const URL = 'https://provider.test/oauth/token';
/** As Vanta's token endpoint. */
const LIMIT = { requests: 5, perSeconds: 60 };
const THRESHOLD = 5;
const FIRST_OPEN_SECONDS = 5;
const TRIAL_SECONDS = 15;
const RECOVERY_SECONDS = 60;

/** A database that counts statements, and can be away. */
const watched = (db: Database) => {
  const watch = { statements: 0, isAway: false };
  const query: Database['query'] = async (name, sql, values) => {
    watch.statements += 1;
    if (watch.isAway) throw new Error('away');
    return db.query(name, sql, values);
  };
  return { watch, db: { ...db, query } };
};

describeEachEngine('the gate before a token endpoint', (open) => {
  const clock = testClock(new Date('2026-03-01T12:00:00Z'));
  let db: Database;
  let one: TokenEndpointGate;
  let other: TokenEndpointGate;
  let watch: ReturnType<typeof watched>['watch'];
  const lines: string[] = [];
  let fraction = 0;

  const replica = (on: Database) =>
    createTokenEndpointGate({
      db: on,
      clock,
      randomness: { ...systemRandomness, fraction: () => fraction },
      log: createLogger('info', { write: (line: string) => void lines.push(line) }),
    });
  const look = async () => {
    await Promise.all([one.look(), other.look()]);
  };
  const failTimes = async (
    gate: TokenEndpointGate,
    times: number,
    retryAfterSeconds: number | null = null,
  ) => {
    for (let time = 0; time < times; time += 1) await gate.failed(URL, retryAfterSeconds);
  };
  const admittedOf = (admissions: readonly Admission[]) => admissions.filter(({ admitted }) => admitted);
  const askTimes = (gate: TokenEndpointGate, times: number) =>
    Promise.all(Array.from({ length: times }, () => gate.admit({ url: URL })));
  /** Whether it is open to the gate's caller, and how: `yes`, `trial`, or the seconds until it is to come back. */
  const answerOf = (admission: Admission) => {
    if (admission.admitted) return admission.isTrial ? 'trial' : 'yes';
    return (admission.retryAt.getTime() - clock.now().getTime()) / 1000;
  };
  const ask = async (gate: TokenEndpointGate, options?: { urgent: boolean }) =>
    answerOf(await gate.admit({ url: URL }, options));
  const askLimited = async (gate: TokenEndpointGate, options?: { urgent: boolean }) =>
    gate.admit({ url: URL, limit: LIMIT }, options);
  /** Open for all, with its first time over and the trial not yet taken. */
  const openAndWait = async () => {
    await failTimes(one, THRESHOLD);
    clock.move(FIRST_OPEN_SECONDS);
    await look();
  };
  const closeAgain = async () => {
    await openAndWait();
    expect(await ask(one)).toBe('trial');
    await one.succeeded(URL);
    await look();
  };
  const rows = () => db.query<{ url: string }>('test_rows', 'SELECT url FROM token_endpoints', []);

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM token_endpoints', []);
    const counted = watched(db);
    watch = counted.watch;
    one = replica(counted.db);
    other = replica(db);
    fraction = 0;
    lines.length = 0;
  });
  afterAll(() => db.close());

  describe('while the provider answers', () => {
    it('costs no statement, however many ask', async () => {
      await one.look();
      watch.statements = 0;
      for (let time = 0; time < 100; time += 1) {
        expect(await ask(one)).toBe('yes');
        await one.succeeded(URL);
      }
      expect(watch.statements).toBe(0);
      expect(await rows()).toEqual([]);
    });

    it('does not count failures that an answer lies between, whichever replica got it', async () => {
      await failTimes(one, THRESHOLD - 1);
      await other.look();
      await other.succeeded(URL);
      await one.look();
      await failTimes(one, THRESHOLD - 1);
      await look();
      expect([await ask(one), await ask(other)]).toEqual(['yes', 'yes']);
    });

    it('knows nothing of other endpoints', async () => {
      await failTimes(one, THRESHOLD);
      expect((await one.admit({ url: `${URL}/other` })).admitted).toBe(true);
    });
  });

  describe('when the provider fails', () => {
    it('closes the endpoint to all replicas after five failures in a row, whoever met them', async () => {
      await failTimes(one, 3);
      await failTimes(other, 1);
      await look();
      expect([await ask(one), await ask(other)]).toEqual(['yes', 'yes']);
      await failTimes(other, 1);
      await look();
      expect([await ask(one), await ask(other)]).toEqual([FIRST_OPEN_SECONDS, FIRST_OPEN_SECONDS]);
    });

    it('closes it at once for whoever met them, before anything is read or written', async () => {
      watch.isAway = true;
      await failTimes(one, THRESHOLD);
      expect(await ask(one)).toBe(FIRST_OPEN_SECONDS);
    });

    it('tells a crowd of failures in few statements, and no more once it is closed', async () => {
      await Promise.all(Array.from({ length: 50 }, () => one.failed(URL, null)));
      expect(watch.statements).toBeLessThanOrEqual(2);
      await failTimes(one, 10);
      expect(watch.statements).toBeLessThanOrEqual(2);
      await other.look();
      expect(await ask(other)).toBe(FIRST_OPEN_SECONDS);
    });

    it('takes failures of requests that were on their way for the same outage, from any replica', async () => {
      await Promise.all([
        failTimes(one, THRESHOLD),
        ...Array.from({ length: 30 }, () => other.failed(URL, null)),
      ]);
      await look();
      expect([await ask(one), await ask(other)]).toEqual([FIRST_OPEN_SECONDS, FIRST_OPEN_SECONDS]);
    });

    it('is closed for as long as the provider said, and an hour at most', async () => {
      await failTimes(one, THRESHOLD, 120);
      await other.look();
      expect(await ask(other)).toBe(120);
      await other.failed(URL, 1e9);
      await look();
      expect([await ask(one), await ask(other)]).toEqual([3600, 3600]);
    });

    it('spreads those whom it turns away', async () => {
      await failTimes(one, THRESHOLD);
      fraction = 0.5;
      expect(await ask(one)).toBe(FIRST_OPEN_SECONDS + 5);
    });

    it('lets a rotation be repeated whose answer was lost', async () => {
      await failTimes(one, THRESHOLD);
      expect(await ask(one, { urgent: true })).toBe('yes');
      await one.succeeded(URL);
      await other.look();
      expect(await ask(other)).toBe('yes');
    });

    it('says so in the log, once it closes and once it is back', async () => {
      await closeAgain();
      expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
        'a token endpoint fails: it is left alone for a while',
        'a token endpoint answers again',
      ]);
    });
  });

  describe('when its time of being closed is over', () => {
    it('lets exactly one of all replicas try', async () => {
      await openAndWait();
      const asked = await Promise.all([askTimes(one, 8), askTimes(other, 8)]);
      expect(admittedOf(asked.flat())).toEqual([{ admitted: true, isTrial: true }]);
      const refused = asked.flat().find(({ admitted }) => !admitted);
      expect(refused).toEqual({
        admitted: false,
        reason: 'provider_down',
        retryAt: addSeconds(clock.now(), TRIAL_SECONDS),
      });
    });

    it('lets the next one try when the one that tried was never heard of again', async () => {
      await openAndWait();
      expect(await ask(one)).toBe('trial');
      clock.move(TRIAL_SECONDS - 1);
      await other.look();
      expect(await ask(other)).toBe(1);
      clock.move(1);
      expect(await ask(other)).toBe('trial');
    });

    it('stays closed twice as long after each trial that fails, five minutes at most', async () => {
      await failTimes(one, THRESHOLD);
      const waits: unknown[] = [];
      for (const gate of [one, other, one, other, one, other, one, other]) {
        await look();
        const wait = await ask(gate);
        waits.push(wait);
        clock.move(Number(wait));
        expect(await ask(gate)).toBe('trial');
        await gate.failed(URL, null);
      }
      expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
    });

    it('is not opened by a trial that lost its leave', async () => {
      await openAndWait();
      expect(await ask(one)).toBe('trial');
      clock.move(TRIAL_SECONDS);
      await other.look();
      expect(await ask(other)).toBe('trial');
      await one.failed(URL, null);
      await look();
      expect(await ask(one)).toBe(TRIAL_SECONDS);
      await other.succeeded(URL);
      await look();
      expect(await ask(one)).toBe('yes');
    });

    it('makes an urgent request the trial, or lets it pass beside one', async () => {
      await openAndWait();
      expect(await ask(one, { urgent: true })).toBe('trial');
      expect(await ask(other, { urgent: true })).toBe('yes');
      expect(await ask(other)).toBe(TRIAL_SECONDS);
    });
  });

  describe('when the provider is back', () => {
    /** How many of many callers are let in within one second, over both replicas. */
    const admittedInASecond = async () => {
      let admitted = 0;
      for (let tenth = 0; tenth < 10; tenth += 1) {
        const asked = await Promise.all([askTimes(one, 10), askTimes(other, 10)]);
        admitted += admittedOf(asked.flat()).length;
        clock.move(0.1);
      }
      return admitted;
    };

    it('is asked at a rate that rises, shared by all replicas, and after a minute as ever', async () => {
      await closeAgain();
      // A second's worth at once, and five in the second itself.
      const first = await admittedInASecond();
      expect(first).toBeGreaterThanOrEqual(5);
      expect(first).toBeLessThanOrEqual(10);
      expect(await admittedInASecond()).toBeLessThanOrEqual(6);
      clock.move(18.5);
      const later = await admittedInASecond();
      expect(later).toBeGreaterThanOrEqual(20);
      expect(later).toBeLessThanOrEqual(40);
      clock.move(RECOVERY_SECONDS);
      await look();
      expect(admittedOf(await askTimes(one, 100))).toHaveLength(100);
    });

    it('sends the others away to times within that minute, and more of them to its end', async () => {
      await closeAgain();
      await askTimes(one, 5);
      const offers: number[] = [];
      for (fraction = 0; fraction < 1; fraction += 0.01) offers.push(Number(await ask(other)));
      expect(Math.max(...offers)).toBe(RECOVERY_SECONDS);
      expect(Math.min(...offers)).toBeGreaterThan(0);
      expect(new Set(offers).size).toBe(offers.length);
      expect(offers.filter((offer) => offer > 52).length).toBeGreaterThanOrEqual(45);
    });

    it('closes again when it fails again', async () => {
      await closeAgain();
      await failTimes(other, THRESHOLD);
      await look();
      expect(await ask(one)).toBe(FIRST_OPEN_SECONDS);
    });

    it('leaves no row behind, and costs no statement any more', async () => {
      await closeAgain();
      clock.move(RECOVERY_SECONDS + 60);
      await look();
      expect(await rows()).toEqual([]);
      watch.statements = 0;
      expect(await ask(one)).toBe('yes');
      await one.succeeded(URL);
      expect(watch.statements).toBe(0);
    });

    it('lets an urgent request pass at once', async () => {
      await closeAgain();
      await askTimes(one, 20);
      expect(await ask(one, { urgent: true })).toBe('yes');
    });
  });

  describe('where the vendor names a limit', () => {
    it('keeps it in any window, with two replicas that never stop asking', async () => {
      const start = clock.now().getTime();
      const times: number[] = [];
      for (let step = 0; step < 1000; step += 1) {
        const asked = await Promise.all([askLimited(one), askLimited(other)]);
        for (const _ of admittedOf(asked)) times.push((clock.now().getTime() - start) / 1000);
        clock.move(0.3);
      }
      const inWindowAt = (from: number) => times.filter((time) => time >= from && time <= from + 60).length;
      expect(Math.max(...times.map(inWindowAt))).toBe(LIMIT.requests);
      // Five minutes: no less than nine tenths of what the vendor allows.
      expect(times.length).toBeGreaterThanOrEqual(23);
    });

    it('gives one slot to one of many who ask at the same time', async () => {
      const asked = await Promise.all(
        Array.from({ length: 10 }, () => [askLimited(one), askLimited(other)]).flat(),
      );
      expect(admittedOf(asked)).toHaveLength(1);
    });

    it('gives each who is turned away a time of their own, and asks the database no more to say so', async () => {
      await askLimited(one);
      watch.statements = 0;
      const offers: unknown[] = [];
      for (let caller = 0; caller < 10; caller += 1) offers.push(answerOf(await askLimited(one)));
      expect(offers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((place) => (place * 126) / 10));
      expect(watch.statements).toBe(0);
    });

    it('works a queue off at the pace of the limit, though all come back when they were told', async () => {
      const callers = Array.from({ length: 20 }, (_, index) => ({
        gate: index % 2 ? one : other,
        at: clock.now(),
      }));
      let tries = 0;
      const start = clock.now();
      while (callers.length > 0) {
        callers.sort((left, right) => left.at.getTime() - right.at.getTime());
        const [caller] = callers;
        if (!caller) break;
        // Woken by a sweep each second, so up to a second late.
        const wakesAt = Math.ceil((caller.at.getTime() - start.getTime()) / 1000);
        clock.move(Math.max(0, wakesAt - (clock.now().getTime() - start.getTime()) / 1000));
        fraction = (fraction + 0.37) % 1;
        tries += 1;
        const admission = await askLimited(caller.gate);
        if (admission.admitted) callers.shift();
        else caller.at = admission.retryAt;
      }
      const tookSeconds = (clock.now().getTime() - start.getTime()) / 1000;
      expect(tookSeconds).toBeLessThan(20 * 12.6 * 1.3);
      expect(tries).toBeLessThan(20 * 4);
    });

    it('sends nobody away for longer than some minutes', async () => {
      await askLimited(one);
      fraction = 0.999;
      let last: Admission | undefined;
      for (let caller = 0; caller < 100; caller += 1) last = await askLimited(one);
      expect(Number(last && answerOf(last))).toBeLessThan(320);
    });

    it('holds for urgent requests too, which pass an endpoint that is closed to all', async () => {
      await failTimes(one, THRESHOLD);
      expect(await askLimited(one, { urgent: true })).toEqual({ admitted: true, isTrial: false });
      await askLimited(one);
      expect(await askLimited(one, { urgent: true })).toEqual({
        admitted: false,
        reason: 'rate_limited',
        retryAt: addSeconds(clock.now(), 12.6),
      });
    });

    it('holds for a trial, too', async () => {
      await failTimes(one, THRESHOLD);
      clock.move(FIRST_OPEN_SECONDS - 1);
      expect((await askLimited(one, { urgent: true })).admitted).toBe(true);
      clock.move(1);
      await other.look();
      expect(await askLimited(other)).toMatchObject({ admitted: false, reason: 'rate_limited' });
      clock.move(12);
      expect(await askLimited(other)).toEqual({ admitted: true, isTrial: true });
    });
  });

  describe('while the database is away', () => {
    it('keeps what is known, rejects no report, and tells of it once', async () => {
      await failTimes(one, THRESHOLD);
      lines.length = 0;
      watch.isAway = true;
      await one.look();
      expect(await ask(one)).toBe(FIRST_OPEN_SECONDS);
      await one.failed(URL, 30);
      await one.look();
      expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
        'the state of token endpoints can not be shared with other replicas',
      ]);
      clock.move(60);
      await expect(one.admit({ url: URL })).rejects.toThrow('away');
    });

    it('is no hindrance where nothing is known against the endpoint', async () => {
      watch.isAway = true;
      expect(await ask(one)).toBe('yes');
      await one.succeeded(URL);
    });
  });
});

describe('the pace of a token endpoint', () => {
  it('keeps any limit in any window, though requests come as early as they may', () => {
    for (const limit of [
      LIMIT,
      { requests: 1, perSeconds: 10 },
      { requests: 100, perSeconds: 60 },
      { requests: 10, perSeconds: 1 },
    ]) {
      const { intervalMillis, toleranceMillis } = limitPace(limit);
      const inAWindow = Math.floor((limit.perSeconds * 1000 + toleranceMillis) / intervalMillis) + 1;
      expect(inAWindow).toBeLessThanOrEqual(limit.requests);
    }
  });

  it('leaves an endpoint alone for longer and longer, shortened by jitter to no less than the half', () => {
    expect(openSecondsByStep(0)).toEqual([5, 10, 20, 40, 80, 160, 300]);
    expect(openSecondsByStep(0.999)[6]).toBeGreaterThan(150);
    expect(openSecondsByStep(0.999)[6]).toBeLessThan(151);
  });

  it('finds a moment of the recovery for any draw', () => {
    const closedAt = new Date('2026-03-01T12:00:00Z');
    for (const fraction of [0, 0.5, 0.9, 0.999_999_999]) {
      const seconds = (momentOfRecovery(closedAt, fraction).getTime() - closedAt.getTime()) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThanOrEqual(RECOVERY_SECONDS);
    }
  });
});
