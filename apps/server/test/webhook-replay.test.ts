import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { WEBHOOKS_HELP } from '../src/cli/help.js';
import { runWebhooksCommand } from '../src/cli/webhooks-command.js';
import type { Database } from '../src/db/database.js';
import { FolderInUseError } from '../src/errors/folder-in-use-error.js';
import { createReplay } from '../src/webhooks/replay.js';
import { describeEachEngine } from './support/databases.js';
import { startWebhookWorld, type WebhookWorld } from './support/webhook-world.js';
import { writeEvent } from './support/written-events.js';

describeEachEngine('the replay of webhooks', (open, engine) => {
  let db: Database;
  let world: WebhookWorld;
  let lines: string[];
  beforeEach(async () => {
    lines = [];
    db = await open();
    world = await startWebhookWorld(db);
  });
  afterEach(async () => {
    await world.stop();
    await db.close();
  });

  const write = (connectionId = 'conn_1') => writeEvent(db, { connectionId, time: world.clock.now() });
  /** Events a minute apart: each with the time it was written at. */
  const writeSpread = async (count: number, connectionId?: string) => {
    const events: { id: string; time: string }[] = [];
    for (let index = 0; index < count; index += 1) {
      events.push({ time: world.clock.now().toISOString(), id: await write(connectionId) });
      world.clock.move(60);
    }
    return events;
  };
  const webhooks = (...args: string[]) =>
    runWebhooksCommand(args, {
      ...{ withDatabase: (run: (opened: Database) => Promise<void>) => run(db), clock: world.clock },
      writeLine: (line) => void lines.push(line),
      writeNote: () => {},
    });

  it('sends one event again, under the same id', async () => {
    const { receiver, endpoint } = await world.listen();
    const [first] = [await write(), await write()];
    await world.run();
    expect(await world.webhooks.replayDelivery(endpoint.id, 'test', first)).toBe(1);
    await world.run();
    const ids = receiver.received.map(({ id }) => id);
    expect(ids).toEqual([...ids.slice(0, 2), first]);
    expect(receiver.received[2]?.body).toBe(receiver.received[0]?.body);
    expect(receiver.forged).toEqual([]);
  });

  it('does not hold up what happens now, though what is sent again is refused', async () => {
    const { receiver, endpoint } = await world.listen();
    const old = [await write(), await write()];
    await world.run();
    receiver.react = ({ id }) => (id === old[0] ? 400 : 204);
    world.clock.move(1);
    await world.webhooks.replayRange(endpoint.id, 'test', { since: '2020-01-01T00:00:00Z' });
    const now = await write();
    await world.run();
    expect(receiver.received.map(({ id }) => id).filter((id) => id === now)).toEqual([now]);
    // Among themselves they keep their order.
    expect(receiver.received.filter(({ id }) => id === old[1])).toHaveLength(1);
    receiver.react = () => 204;
    await world.pass(60);
    expect(receiver.accepted.slice(-2)).toEqual(old);
  });

  it('sends one that waits for its next attempt now, and counts it once', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => 500;
    const id = await write();
    await world.pass(1_000);
    receiver.react = () => 204;
    await world.webhooks.replayDelivery(endpoint.id, 'test', id);
    world.clock.move(60);
    await world.run();
    expect(receiver.accepted).toEqual([id]);
    expect(await world.webhooks.figures()).toMatchObject({ pending: 0 });
    expect(await db.prisma.webhookLane.findMany()).toMatchObject([{ pending: 0, dueAt: null }]);
  });

  it('sends a range of time again, each connection in its order', async () => {
    const { receiver, endpoint } = await world.listen();
    const events = [...(await writeSpread(3, 'conn_1')), ...(await writeSpread(3, 'conn_2'))];
    await world.run();
    receiver.received.length = 0;
    const range = { since: events[1]?.time ?? '', until: events[5]?.time ?? '' };
    expect(await world.webhooks.replayRange(endpoint.id, 'test', range)).toBe(4);
    await world.run();
    const ids = events.map(({ id }) => id);
    for (const part of [ids.slice(1, 3), ids.slice(3, 5)]) {
      expect(receiver.received.map(({ id }) => id).filter((id) => part.includes(id))).toEqual(part);
    }
    expect(receiver.received).toHaveLength(4);
  });

  it('brings what was given up, and what the endpoint was never sent, where only that is asked for', async () => {
    const early = await writeSpread(1);
    const { receiver, endpoint } = await world.listen();
    const [poison, fine] = await writeSpread(2);
    receiver.react = ({ id }) => (id === poison?.id ? 400 : 204);
    for (let hour = 0; hour <= 73; hour += 1) {
      await write('conn_other');
      await world.pass(3_600);
    }
    receiver.received.length = 0;
    receiver.react = () => 204;
    const since = early[0]?.time ?? '';
    expect(await world.webhooks.replayRange(endpoint.id, 'test', { since, onlyUndelivered: true })).toBe(2);
    await world.run();
    expect(receiver.received.map(({ id }) => id)).toEqual([early[0]?.id, poison?.id]);
    expect(receiver.accepted).toContain(fine?.id);
  }, 60_000);

  it('keeps to the endpoint: its environment, its types, nobody else', async () => {
    await writeEvent(db, { environment: 'live', time: world.clock.now() });
    await writeEvent(db, { type: 'credential.refreshed', time: world.clock.now() });
    const { receiver, endpoint } = await world.listen({ eventTypes: ['connection.updated'] });
    const other = await world.listen();
    const id = await write();
    await world.run();
    world.clock.move(1);
    const since = '2020-01-01T00:00:00Z';
    expect(await world.webhooks.replayRange(endpoint.id, 'test', { since })).toBe(1);
    await world.run();
    expect(receiver.received.map((webhook) => webhook.id)).toEqual([id, id]);
    expect(other.receiver.received).toHaveLength(1);
  });

  it('says what is not there, and what is disabled', async () => {
    const { endpoint } = await world.listen();
    const { replayDelivery, replayRange } = world.webhooks;
    const since = '2020-01-01T00:00:00Z';
    await expect(replayDelivery(endpoint.id, 'test', 'evt_none')).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(replayDelivery('whe_none', 'test', 'evt_none')).rejects.toMatchObject({ code: 'not_found' });
    await expect(replayRange(endpoint.id, 'live', { since })).rejects.toMatchObject({ code: 'not_found' });
    await world.endpoints.updateEndpoint(endpoint.id, 'test', { enabled: false });
    await expect(replayRange(endpoint.id, 'test', { since })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('says that a range ends before it begins', async () => {
    const { endpoint } = await world.listen();
    const range = { since: '2026-11-25T00:00:00Z', until: '2026-11-24T23:59:59Z' };
    await expect(world.webhooks.replayRange(endpoint.id, 'test', range)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { errors: [{ pointer: '/until' }] },
    });
    const empty = { ...range, until: range.since };
    expect(await world.webhooks.replayRange(endpoint.id, 'test', empty)).toBe(0);
  });

  it('is no sign that the endpoint is behind, however old the event is', async () => {
    const { receiver, endpoint } = await world.listen();
    const id = await write();
    await world.run();
    world.clock.move(6 * 86_400);
    receiver.react = () => 500;
    await world.webhooks.replayDelivery(endpoint.id, 'test', id);
    await world.run();
    expect(await world.webhooks.figures()).toMatchObject({ lagSeconds: 0, pending: 1 });
    await write();
    world.clock.move(1);
    await world.run();
    expect(await world.webhooks.figures()).toMatchObject({ lagSeconds: 1, pending: 2 });
  });

  if (engine === 'postgres') {
    /** Does something in a transaction, and commits it when the other is done, or waits for it. */
    const before = async (
      work: (inside: Database) => Promise<unknown>,
      other: () => Promise<unknown>,
    ): Promise<void> => {
      if (db.driver.kind !== 'postgres') throw new Error('not Postgres');
      const client = await db.driver.pool.connect();
      const inside: Database = {
        ...db,
        query: async <Row>(_name: string, sql: string, values: readonly unknown[]) =>
          (await client.query(sql, [...values])).rows as Row[],
      };
      await client.query('BEGIN');
      await work(inside);
      let isDone = false;
      const running = other().finally(() => {
        isDone = true;
      });
      const isWaiting = async () =>
        (
          await db.query(
            'test_waiting',
            `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            [],
          )
        ).length > 0;
      while (!isDone && !(await isWaiting()));
      await client.query('COMMIT');
      client.release();
      await running;
    };

    it('is not swept away by who found it old, right before it was put in line', async () => {
      const { receiver, endpoint } = await world.listen();
      const id = await write();
      await world.run();
      world.clock.move(8 * 86_400);
      await before(
        (inside) => createReplay({ db: inside, clock: world.clock }).replayDelivery(endpoint.id, 'test', id),
        () => world.webhooks.sweep(world.clock.now()),
      );
      expect((await world.webhooks.listDeliveries(endpoint.id, { limit: 9 })).data).toHaveLength(1);
      await world.run();
      expect(receiver.received.map((webhook) => webhook.id)).toEqual([id, id]);
    });

    it('says that there is no such delivery, when it was being swept away', async () => {
      const { endpoint } = await world.listen();
      const id = await write();
      await world.run();
      await before(
        (inside) => inside.query('test_swept', 'DELETE FROM webhook_deliveries WHERE event_id = $1', [id]),
        () =>
          expect(world.webhooks.replayDelivery(endpoint.id, 'test', id)).rejects.toMatchObject({
            code: 'not_found',
          }),
      );
    });
  }

  it('lists deliveries page by page, newest event first', async () => {
    const { endpoint } = await world.listen();
    const ids = (await writeSpread(5)).map(({ id }) => id);
    await world.run();
    const first = await world.webhooks.listDeliveries(endpoint.id, { limit: 3 });
    const cursor = first.nextCursor ?? '';
    const second = await world.webhooks.listDeliveries(endpoint.id, { limit: 3, cursor });
    const listed = [...first.data, ...second.data].map(({ eventId }) => eventId);
    expect(listed).toEqual([...ids].reverse());
    expect(second.nextCursor).toBeNull();
    expect(first.data[0]).toMatchObject({
      status: 'delivered',
      attempts: 1,
      lastStatus: 204,
      lastError: null,
    });
    await expect(
      world.webhooks.listDeliveries(endpoint.id, { limit: 3, cursor: 'evt' }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('is audited: who sent what again, to which endpoint', async () => {
    await writeSpread(2);
    const { endpoint } = await world.listen();
    const [first] = await writeSpread(2);
    await world.run();
    const since = '2020-01-01T00:00:00.000Z';
    await world.webhooks.replayDelivery(endpoint.id, 'test', first?.id ?? '');
    await world.webhooks.replayRange(endpoint.id, 'test', { since, onlyUndelivered: true });
    await webhooks('replay', endpoint.id, '--event', first?.id ?? '');
    await expect(world.webhooks.replayDelivery(endpoint.id, 'test', 'evt_none')).rejects.toThrow();
    const entries = await db.query<{ who: object; details: object }>(
      'test_replayed',
      `SELECT content->'who' AS who, content->'details' AS details FROM audit_pending
       WHERE action = 'webhook_endpoint.replayed' AND environment = 'test' AND tenant_id = '' ORDER BY sequence`,
      [],
    );
    const one = { endpointId: endpoint.id, eventId: first?.id, queued: 1 };
    expect(entries).toMatchObject([
      { who: { type: 'server' }, details: one },
      {
        details: {
          endpointId: endpoint.id,
          since,
          until: world.clock.now().toISOString(),
          onlyUndelivered: true,
          queued: 2,
        },
      },
      { who: { type: 'command', command: 'webhooks replay' }, details: one },
    ]);
  });

  it('is a command too: authpipe webhooks replay', async () => {
    const { receiver, endpoint } = await world.listen();
    const events = await writeSpread(3);
    await world.run();
    receiver.received.length = 0;
    await webhooks('replay', endpoint.id, '--event', events[0]?.id ?? '');
    await world.run();
    await webhooks('replay', endpoint.id, '--since', events[1]?.time ?? '', '--until', events[2]?.time ?? '');
    await webhooks('replay', endpoint.id, '--since', events[0]?.time ?? '', '--undelivered');
    await world.run();
    expect(lines).toEqual(['1', '1', '0']);
    expect(receiver.received.map(({ id }) => id)).toEqual([events[0]?.id, events[1]?.id]);
  });

  it.each([
    [['replay'], 'Say which endpoint'],
    [['replay', 'whe_1'], 'Give either --event, or --since'],
    [['replay', 'whe_1', '--event', 'evt_1', '--since', '2026-01-01T00:00:00Z'], 'Give either'],
    [['replay', 'whe_1', '--since', 'yesterday'], '--since and --until are times'],
    [['replay', 'whe_1', '--undelivered'], '--since and --until are times'],
    [
      ['replay', 'whe_1', '--since', '2026-01-02T00:00:00Z', '--until', '2026-01-01T00:00:00Z'],
      'until is before since: exchange them',
    ],
    [['replay', 'whe_1', '--since', '2026-01-01T00:00:00Z'], 'There is no such webhook endpoint'],
    [['replay', 'whe_1', '--all'], "Unknown option '--all'"],
    [['resend'], 'There is no command "webhooks resend"'],
  ])('authpipe webhooks %j says what is wrong', async (args, message) => {
    await expect(webhooks(...args)).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining(message),
    });
  });

  it('authpipe webhooks replay says to ask the server that has the embedded database open', async () => {
    const replayed = runWebhooksCommand(['replay', 'whe_1', '--event', 'evt_1'], {
      withDatabase: () => Promise.reject(new FolderInUseError('/data/database')),
      clock: world.clock,
    });
    await expect(replayed).rejects.toThrow('POST /v1/webhook-endpoints/{id}/replay');
    await expect(replayed).rejects.not.toThrow('another AUTHPIPE_DATA_DIR');
  });

  it('authpipe webhooks help prints how', async () => {
    await webhooks();
    await webhooks('replay', '--help');
    expect(lines).toEqual([WEBHOOKS_HELP.trimEnd(), WEBHOOKS_HELP.trimEnd()]);
  });
});
