import { describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import { createDatabaseClock } from '../src/db/database-clock.js';
import { createSteadyMillis } from '../src/db/steady-millis.js';

const START = new Date('2026-03-01T12:00:00Z');

describe("the database's clock", () => {
  /** A machine whose own clock is an hour ahead, and a counter that the test moves. */
  const machine = (engine: 'postgres' | 'pglite' = 'postgres') => {
    let counterMillis = 0;
    let databaseTime = START;
    const clock = createDatabaseClock({
      db: {
        engine,
        query: async <Row>() => {
          counterMillis += 2;
          return [{ now: databaseTime }] as Row[];
        },
      },
      clock: { now: () => addSeconds(START, 3600) },
      monotonicMillis: () => counterMillis,
    });
    return {
      clock,
      pass: (millis: number) => {
        counterMillis += millis;
      },
      setDatabase: (time: Date) => {
        databaseTime = time;
      },
      counter: () => counterMillis,
    };
  };
  const millisPast = (date: Date) => date.getTime() - START.getTime();

  it('is the machine’s until the database was asked', () => {
    expect(millisPast(machine().clock.now())).toBe(3_600_000);
  });

  it('is the database’s from then on, carried on by the counter', async () => {
    const { clock, pass } = machine();
    await clock.ask();
    expect(millisPast(clock.now())).toBe(1);
    pass(5_000);
    expect(millisPast(clock.now())).toBe(5_001);
  });

  it('lets two machines whose own clocks differ agree', async () => {
    const [one, other] = [machine(), machine()];
    other.pass(77_000);
    await one.clock.ask();
    await other.clock.ask();
    expect(one.clock.now()).toEqual(other.clock.now());
  });

  it('believes a quick answer rather than one that took long', async () => {
    const { clock, pass, counter } = machine();
    await clock.ask();
    pass(1_000);
    // Read at once, and delivered two seconds later: its middle would be a second behind.
    const askedAt = counter();
    const read = addSeconds(START, 1.001);
    pass(2_000);
    clock.correct(read, askedAt, counter());
    expect(Math.abs(millisPast(clock.now()) - 3_001)).toBeLessThanOrEqual(2);
  });

  it('follows when the database’s own clock was set', async () => {
    const { clock, pass, setDatabase } = machine();
    await clock.ask();
    pass(1_000);
    setDatabase(addSeconds(START, 600));
    await clock.ask();
    expect(millisPast(clock.now())).toBe(600_001);
  });

  it('is the machine’s for the embedded database, which has no other', async () => {
    const { clock } = machine('pglite');
    await clock.ask();
    expect(millisPast(clock.now())).toBe(3_600_000);
  });
});

describe("a machine's steady counter", () => {
  /** A machine that runs, sleeps, and has its clock set. */
  const machine = () => {
    const millis = { counter: 5_000, wall: START.getTime(), uptime: 90_000 };
    let looks = 0;
    const steady = createSteadyMillis({
      counterMillis: () => millis.counter,
      wallMillis: () => millis.wall,
      uptimeMillis: () => {
        looks += 1;
        return millis.uptime;
      },
    });
    const start = steady();
    const move = (by: Partial<typeof millis>) => {
      for (const name of ['counter', 'wall', 'uptime'] as const) millis[name] += by[name] ?? 0;
    };
    return {
      steady,
      passed: () => steady() - start,
      looks: () => looks,
      run: (by: number) => move({ counter: by, wall: by, uptime: by }),
      sleep: (by: number) => move({ wall: by, uptime: by }),
      setClock: (by: number) => move({ wall: by }),
    };
  };

  it('counts what the machine runs, and asks for nothing else', () => {
    const { passed, looks, run } = machine();
    const before = looks();
    for (let second = 0; second < 100; second += 1) {
      run(1_000);
      passed();
    }
    expect([passed(), looks()]).toEqual([100_000, before]);
  });

  it('goes on while the machine sleeps, once or more often', () => {
    const { passed, run, sleep } = machine();
    run(1_000);
    sleep(60_000);
    expect(passed()).toBe(61_000);
    run(2_000);
    sleep(3_000);
    run(1_000);
    expect(passed()).toBe(67_000);
  });

  it('is not moved when the machine’s clock is set, forward or back', () => {
    const { passed, run, sleep, setClock } = machine();
    setClock(3_600_000);
    run(1_000);
    expect(passed()).toBe(1_000);
    setClock(-7_200_000);
    run(1_000);
    expect(passed()).toBe(2_000);
    sleep(30_000);
    expect(passed()).toBe(32_000);
  });

  it('lets the database’s clock see that time went by, so that nothing that ended meanwhile counts as living', async () => {
    const { steady, sleep } = machine();
    const clock = createDatabaseClock({
      db: { engine: 'postgres', query: async <Row>() => [{ now: START }] as Row[] },
      clock: { now: () => addSeconds(START, 3600) },
      monotonicMillis: steady,
    });
    await clock.ask();
    sleep(45_000);
    expect(clock.now()).toEqual(addSeconds(START, 45));
  });
});
