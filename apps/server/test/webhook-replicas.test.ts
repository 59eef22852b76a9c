import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import type { Receiver } from './support/webhook-receiver.js';
import { startWebhookWorld, type WebhookWorld } from './support/webhook-world.js';
import { type TestClock, testClock } from './support/world.js';
import { writeEvent } from './support/written-events.js';

const CONNECTIONS = 12;

describeEachEngine('webhooks of several servers on one database', (open) => {
  let db: Database;
  let clock: TestClock;
  let worlds: WebhookWorld[];
  let beating: Set<number>;
  let receiver: Receiver;
  beforeEach(async () => {
    db = await open();
    clock = testClock();
    beating = new Set([0, 1, 2]);
    worlds = await Promise.all(
      [0, 1, 2].map((index) => startWebhookWorld(db, { clock, isBeating: () => beating.has(index) })),
    );
    ({ receiver } = await server(0).listen());
  });
  afterEach(async () => {
    await Promise.all(worlds.map((world) => world.stop()));
    await db.close();
  });

  const server = (index: number): WebhookWorld => {
    const world = worlds[index];
    if (!world) throw new Error('There is no such server.');
    return world;
  };
  const write = (connectionId: string) => writeEvent(db, { connectionId, time: clock.now() });
  const runAll = async () => {
    await Promise.all(worlds.map((world) => world.tick()));
    await Promise.all(worlds.map((world) => world.webhooks.settled()));
  };
  const receivedOf = (connectionId: string) =>
    receiver.received.filter(({ event }) => event.connectionId === connectionId).map(({ id }) => id);

  it('send each event once, and the events of one connection in order, whoever sends them', async () => {
    const sent = new Map<string, string[]>();
    receiver.react = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 204;
    };
    for (let round = 0; round < 3; round += 1) {
      for (let connection = 0; connection < CONNECTIONS; connection += 1) {
        const name = `conn_${connection}`;
        const ids = sent.get(name) ?? [];
        sent.set(name, [...ids, await write(name), await write(name)]);
      }
      await runAll();
    }
    for (const [name, ids] of sent) expect(receivedOf(name)).toEqual(ids);
    expect(receiver.received).toHaveLength(CONNECTIONS * 6);
    expect(receiver.forged).toEqual([]);
  });

  it('share the work of one endpoint', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    receiver.react = async () => {
      await held;
      return 204;
    };
    for (let connection = 0; connection < CONNECTIONS; connection += 1) await write(`conn_${connection}`);
    await server(0).tick();
    await receiver.until(8);
    await server(1).tick();
    await receiver.until(CONNECTIONS);
    letGo();
    await Promise.all(worlds.map((world) => world.webhooks.settled()));
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(CONNECTIONS);
    expect(receiver.received).toHaveLength(CONNECTIONS);
  });

  it('take over what a dead one had begun, as soon as it is not heard of, and in order', async () => {
    const ids = [await write('conn_1'), await write('conn_1')];
    receiver.react = () => (receiver.received.length === 1 ? 'hang' : 204);
    const [dead, heir] = [server(0), server(1)];
    await dead.tick();
    await receiver.until(1);
    beating.delete(0);
    // Its lease still holds: it may be about to write down what came of it.
    clock.move(2);
    await heir.run();
    expect(receiver.received).toHaveLength(1);
    // It beats meanwhile: two beats far apart would look like an outage of the database, after which nobody counts as dead.
    for (const seconds of [2, 1]) {
      clock.move(seconds);
      await heir.run();
    }
    expect(receiver.received.map(({ id }) => id)).toEqual([ids[0], ...ids]);
  });

  it('do not undo what another one did, when they come late', async () => {
    const ids = [await write('conn_1'), await write('conn_1')];
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    receiver.react = async () => {
      if (receiver.received.length === 1) await held;
      return 204;
    };
    const [frozen, heir] = [server(0), server(1)];
    await frozen.tick();
    await receiver.until(1);
    beating.delete(0);
    clock.move(120);
    await heir.run();
    letGo();
    await frozen.webhooks.settled();
    clock.move(120);
    await runAll();
    expect(receiver.received.map(({ id }) => id)).toEqual([ids[0], ...ids]);
    expect(await heir.webhooks.figures()).toMatchObject({ pending: 0 });
    expect(await db.prisma.webhookLane.findMany()).toMatchObject([{ pending: 0, dueAt: null }]);
  });

  it('write down nothing twice when many are woken by one commit', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = await write('conn_1');
      for (const world of worlds) world.webhooks.wake();
      await runAll();
      expect(receiver.received.at(-1)?.id).toBe(id);
    }
    expect(receiver.received).toHaveLength(10);
  });

  it('try an endpoint that is down by one request at a time, all of them together', async () => {
    receiver.react = () => 503;
    for (let connection = 0; connection < CONNECTIONS; connection += 1) await write(`conn_${connection}`);
    await runAll();
    for (let round = 0; round < 3; round += 1) {
      clock.move(61);
      const before = receiver.received.length;
      await runAll();
      expect(receiver.received.length - before).toBe(1);
    }
    receiver.react = () => 204;
    clock.move(61);
    await runAll();
    await runAll();
    expect(receiver.accepted).toHaveLength(CONNECTIONS);
  });

  it('finish what is under way when they are stopped, and leave the rest to others', async () => {
    const ids = [await write('conn_1'), await write('conn_1')];
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    receiver.react = async () => {
      if (receiver.received.length === 1) await held;
      return 204;
    };
    const [leaving, heir] = [server(0), server(1)];
    await leaving.tick();
    await receiver.until(1);
    const settled = leaving.webhooks.settled();
    const stopped = leaving.webhooks.stop();
    letGo();
    await Promise.all([stopped, settled]);
    expect(receiver.received.map(({ id }) => id)).toEqual([ids[0]]);
    await heir.run();
    expect(receiver.received.map(({ id }) => id)).toEqual(ids);
  });
});
