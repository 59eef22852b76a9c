import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Database } from '../src/db/database.js';
import { createEventFeed, type EventFeed } from '../src/events/event-feed.js';
import { createEventLog, type EventLog } from '../src/events/event-log.js';
import { createLogger } from '../src/log/logger.js';
import { describeEachEngine, openTestDatabase, postgresUrl } from './support/databases.js';
import { rememberingFollower, writeEvent, writeEventIn } from './support/written-events.js';

const log = createLogger('silent');
let now = 0;

const feedOver = (events: EventLog, isListening = () => false): EventFeed =>
  createEventFeed({ events, isListening, monotonicMillis: () => now, sleep: async () => {}, log });

describeEachEngine('the event feed', (open) => {
  let db: Database;
  let events: EventLog;
  let feed: EventFeed;
  beforeEach(async () => {
    now = 0;
    db = await open();
    events = createEventLog({ db });
    feed = feedOver(events);
  });
  afterEach(() => db.close());

  it('tells of what is committed from now on, in order, and once', async () => {
    await writeEvent(db);
    const follower = rememberingFollower();
    await feed.follow(follower.follow, null);
    expect(follower.begun).toMatchObject({ resumed: false, cursor: { position: 1 } });
    const ids = [await writeEvent(db), await writeEvent(db)];
    await feed.tick();
    await feed.tick();
    expect(follower.told).toEqual(ids);
  });

  it('does not tell of a change that was rolled back', async () => {
    const follower = rememberingFollower();
    await feed.follow(follower.follow, null);
    const rolledBack = db.transaction(async (tx) => {
      await writeEventIn(tx);
      throw new Error('back');
    });
    await expect(rolledBack).rejects.toThrow('back');
    const id = await writeEvent(db);
    await feed.tick();
    expect(follower.told).toEqual([id]);
  });

  it('tells a follower that comes back exactly what it missed', async () => {
    const first = rememberingFollower();
    await feed.follow(first.follow, null);
    await writeEvent(db);
    await feed.tick();
    feed.leave(first.follow);
    const missed = [await writeEvent(db), await writeEvent(db), await writeEvent(db)];
    const second = rememberingFollower();
    await feed.follow(second.follow, first.lastCursor);
    expect(second.begun).toEqual({ cursor: first.lastCursor, resumed: true });
    expect(second.told).toEqual(missed);
    const next = await writeEvent(db);
    await feed.tick();
    expect(second.told).toEqual([...missed, next]);
  });

  it('lets a follower resume at another server', async () => {
    const first = rememberingFollower();
    await feed.follow(first.follow, null);
    await writeEvent(db);
    await feed.tick();
    const missed = await writeEvent(db);
    const second = rememberingFollower();
    await feedOver(events).follow(second.follow, first.lastCursor);
    expect(second.told).toEqual([missed]);
  });

  it('resumes from the very beginning of an empty outbox', async () => {
    const first = rememberingFollower();
    await feed.follow(first.follow, null);
    expect(first.begun?.cursor).toEqual({ position: 0, eventId: null });
    const missed = await writeEvent(db);
    const second = rememberingFollower();
    await feed.follow(second.follow, first.lastCursor);
    expect(second.told).toEqual([missed]);
  });

  it.each([
    ['in the future, as after a backup was restored', { position: 99, eventId: 'evt_000001' }],
    ['that was another event once, as after a backup was restored', { position: 1, eventId: 'evt_other' }],
    ['whose event is not there', { position: 1, eventId: null }],
  ])('starts anew, and says so, at a place %s', async (_what, cursor) => {
    await writeEvent(db);
    await writeEvent(db);
    const follower = rememberingFollower();
    await feed.follow(follower.follow, cursor);
    expect(follower.begun).toMatchObject({ resumed: false, cursor: { position: 2 } });
    expect(follower.told).toEqual([]);
  });

  it('starts anew where something in between was swept away', async () => {
    const start = new Date('2030-01-10T00:00:00Z');
    const first = rememberingFollower();
    await feed.follow(first.follow, null);
    await writeEvent(db, { time: start });
    await feed.tick();
    await writeEvent(db, { type: 'credential.refreshed', time: new Date(start.getTime() - 86_401_000) });
    const kept = await writeEvent(db, { time: new Date(start.getTime() - 6 * 86_400_000) });
    await writeEvent(db, { time: new Date(start.getTime() - 7 * 86_400_000 - 1_000) });
    const { sweepEvents } = events;
    await sweepEvents(start);
    expect((await events.eventsAfter(0, 10)).map(({ event }) => event.id)).toEqual([
      expect.any(String),
      kept,
    ]);
    const second = rememberingFollower();
    await feed.follow(second.follow, first.lastCursor);
    expect(second.begun?.resumed).toBe(false);
  });

  it('misses nothing and repeats nothing while much is written', async () => {
    const followers = [rememberingFollower(), rememberingFollower(), rememberingFollower()];
    const ids: string[] = [];
    const [early, other, late] = followers as [
      (typeof followers)[0],
      (typeof followers)[0],
      (typeof followers)[0],
    ];
    const second = feedOver(events);
    await feed.follow(early.follow, null);
    await second.follow(other.follow, null);
    const writer = async () => {
      for (let count = 0; count < 15; count += 1) {
        ids.push(await writeEvent(db));
        feed.wake();
        second.wake();
      }
    };
    const cursor = early.lastCursor;
    await Promise.all([writer(), writer(), writer(), feed.follow(late.follow, cursor)]);
    await feed.tick();
    await second.tick();
    expect([...early.told].sort()).toEqual([...ids].sort());
    expect(other.told).toEqual(early.told);
    expect(late.told).toEqual(early.told);
  });

  it('confirms every five seconds that nothing is missing, and only after it has looked', async () => {
    feed = feedOver(events, () => true);
    const follower = rememberingFollower();
    await feed.follow(follower.follow, null);
    await feed.tick();
    expect(follower.confirmed).toBe(1);
    const id = await writeEvent(db);
    now = 4_999;
    await feed.tick();
    expect([follower.confirmed, follower.told]).toEqual([1, []]);
    now = 5_000;
    await feed.tick();
    // Nobody told it of the commit: this look found it all the same.
    expect([follower.confirmed, follower.told]).toEqual([2, [id]]);
  });

  it('confirms nothing while the database is away', async () => {
    let isAway = false;
    const shaky = {
      ...events,
      numberEvents: () => (isAway ? Promise.reject(new Error('away')) : events.numberEvents()),
    };
    feed = feedOver(shaky);
    const follower = rememberingFollower();
    await feed.follow(follower.follow, null);
    isAway = true;
    await feed.tick();
    expect(follower.confirmed).toBe(0);
    await expect(feed.follow(rememberingFollower().follow, null)).rejects.toThrow('away');
    expect(feed.size()).toBe(1);
    isAway = false;
    const id = await writeEvent(db);
    await feed.tick();
    expect([follower.confirmed, follower.told]).toEqual([1, [id]]);
  });

  it('confirms, and lets others begin, however slow the database is', async () => {
    let pass = (): void => {};
    const slow = {
      ...events,
      numberEvents: async () => {
        await new Promise<void>((resolve) => {
          pass = resolve;
        });
        return events.numberEvents();
      },
    };
    feed = feedOver(slow);
    const [first, second] = [rememberingFollower(), rememberingFollower()];
    let begun = 0;
    for (const { follow } of [first, second]) void feed.follow(follow, null).then(() => (begun += 1));
    // Each look is met by ticks and wakes that come while it is under way.
    for (let round = 0; round < 5_000 && (begun < 2 || first.confirmed === 0); round += 1) {
      void feed.tick();
      feed.wake();
      pass();
      await new Promise(setImmediate);
    }
    expect([begun, first.confirmed]).toEqual([2, 1]);
    pass();
  });

  it.each([
    ['has fewer events', 'DELETE FROM events WHERE position = 3', 2],
    ['has another event at the same place', "UPDATE events SET id = 'evt_other' WHERE position = 3", 3],
  ])(
    'ends its streams where the database %s, as after a backup was restored',
    async (_what, sql, position) => {
      const follower = rememberingFollower();
      await feed.follow(follower.follow, null);
      for (let count = 0; count < 3; count += 1) await writeEvent(db);
      await feed.tick();
      const { lastCursor } = follower;
      await db.query('restore_events', sql, []);
      await db.query('restore_counter', 'UPDATE event_counter SET last_position = $1', [position]);
      now = 5_000;
      await feed.tick();
      expect([follower.ended, follower.confirmed]).toEqual([true, 1]);
      const again = rememberingFollower();
      await feed.follow(again.follow, lastCursor);
      expect(again.begun).toMatchObject({ resumed: false, cursor: { position } });
      const id = await writeEvent(db);
      await feed.tick();
      expect(again.told).toEqual([id]);
    },
  );

  it('ends a follower that does not take its past within a minute', async () => {
    const first = rememberingFollower();
    await feed.follow(first.follow, null);
    await writeEvent(db);
    const stalled = rememberingFollower();
    const follow = { ...stalled.follow, drained: () => new Promise<void>(() => {}) };
    void feed.follow(follow, first.lastCursor);
    while (stalled.told.length === 0) await new Promise(setImmediate);
    now = 61_000;
    await feed.tick();
    expect([stalled.ended, first.ended]).toEqual([true, false]);
  });

  it('ends its followers when it stops, and those who come later', async () => {
    const [before, after] = [rememberingFollower(), rememberingFollower()];
    await feed.follow(before.follow, null);
    feed.stop();
    await feed.follow(after.follow, null);
    expect([before.ended, after.ended, feed.size()]).toEqual([true, true, 0]);
  });
});

const onPostgres = postgresUrl() === null ? describe.skip : describe;
if (postgresUrl() === null)
  process.stderr.write('NOTICE: commits in another order than their writing are tested on Postgres only.\n');

onPostgres('events of transactions that overlap', () => {
  let db: Database;
  let clients: pg.Client[];
  beforeEach(async () => {
    db = await openTestDatabase('postgres');
    const { driver } = db;
    if (driver.kind !== 'postgres') throw new Error('not Postgres');
    clients = [0, 1].map(() => new pg.Client({ connectionString: driver.url }));
    for (const client of clients) await client.connect();
  });
  afterEach(async () => {
    for (const client of clients) await client.end();
    await db.close();
  });

  const insert = (client: pg.Client | undefined, id: string) =>
    client?.query(
      `INSERT INTO events (id, type, environment, payload, time) VALUES ($1, 'connection.updated', 'test', '{}', now())`,
      [id],
    );

  it('are told in the order of their commits, though the second was written first', async () => {
    const feed = feedOver(createEventLog({ db }));
    const follower = rememberingFollower();
    await feed.follow(follower.follow, null);
    const [slow, quick] = clients;
    await slow?.query('BEGIN');
    await insert(slow, 'evt_slow');
    await quick?.query('BEGIN');
    await insert(quick, 'evt_quick');
    await quick?.query('COMMIT');
    await feed.tick();
    expect(follower.told).toEqual(['evt_quick']);
    const { lastCursor } = follower;
    await slow?.query('COMMIT');
    await feed.tick();
    expect(follower.told).toEqual(['evt_quick', 'evt_slow']);
    const later = rememberingFollower();
    await feed.follow(later.follow, lastCursor);
    expect(later.told).toEqual(['evt_slow']);
  });

  it('are numbered by one server at a time: the second sees what the first has numbered', async () => {
    const [first, second] = clients;
    await insert(first, 'evt_a');
    await first?.query('BEGIN');
    await first?.query('SELECT number_events()');
    await insert(second, 'evt_b');
    const waiting = second?.query('SELECT number_events() AS last');
    await first?.query('COMMIT');
    expect((await waiting)?.rows).toEqual([{ last: '2' }]);
    const told = await createEventLog({ db }).eventsAfter(0, 10);
    expect(told.map(({ position, event }) => [position, event.id])).toEqual([
      [1, 'evt_a'],
      [2, 'evt_b'],
    ]);
  });
});
