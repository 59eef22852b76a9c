import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { verifyWebhook } from '../../../packages/node/src/index.js';
import { asActor } from '../src/actor.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { IMPATIENT, startWebhookWorld, type WebhookWorld } from './support/webhook-world.js';
import { writeEvent } from './support/written-events.js';

const DAY = 86_400;

describeEachEngine('webhooks', (open) => {
  let db: Database;
  let world: WebhookWorld;
  beforeEach(async () => {
    db = await open();
    world = await startWebhookWorld(db);
  });
  afterEach(async () => {
    await world.stop();
    await db.close();
  });

  const write = (connectionId = 'conn_1', more: Parameters<typeof writeEvent>[1] = {}) =>
    writeEvent(db, { connectionId, time: world.clock.now(), ...more });
  const writeMany = async (count: number, connectionId?: string) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push(await write(connectionId));
    return ids;
  };
  const statusOf = async (endpointId: string) =>
    (await world.webhooks.listDeliveries(endpointId, { limit: 100 })).data;

  /** Gives an endpoint another address, at a receiver that knows its secret. */
  const moveTo = async ({ id, secret }: { readonly id: string; readonly secret: string }) => {
    const { receiver } = await world.listen({ enabled: false });
    receiver.secret = secret;
    await world.endpoints.updateEndpoint(id, 'test', { url: receiver.url });
    return receiver;
  };

  it('sends each event once, in order, signed so that both libraries accept it', async () => {
    const { receiver, endpoint } = await world.listen();
    const ids = await writeMany(3);
    await world.run();
    await world.run();
    expect(receiver.received.map(({ id }) => id)).toEqual(ids);
    expect(receiver.forged).toEqual([]);
    const [first] = receiver.received;
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-timestamp': String(Math.floor(world.clock.now().getTime() / 1_000)),
      'user-agent': 'authpipe',
    });
    const event = verifyWebhook({
      headers: first?.headers ?? {},
      body: first?.body ?? '',
      secret: endpoint.secret,
      clock: { now: () => world.clock.now().getTime() },
    });
    expect(event).toMatchObject({
      ...{ id: ids[0], type: 'connection.updated', connectionId: 'conn_1', environment: 'test' },
      ...{ time: world.clock.now().toISOString(), metadata: { plan: 'gold' } },
    });
  });

  it('sends what is committed after the endpoint was made, of its environment and of the types that it wants', async () => {
    await write();
    const { receiver } = await world.listen({ eventTypes: ['connection.deleted', 'connection.created'] });
    const wanted = await write('conn_1', { type: 'connection.created' });
    await write('conn_1', { type: 'credential.refreshed' });
    await write('conn_2', { type: 'connection.deleted', environment: 'live' });
    await world.run();
    expect(receiver.received.map(({ id }) => id)).toEqual([wanted]);
  });

  it('sends more than one statement queues', async () => {
    const { receiver } = await world.listen();
    await db.query(
      'test_many',
      `INSERT INTO events (id, type, environment, connection_id, payload, time)
       SELECT 'evt_m' || lpad(n::text, 4, '0'), 'connection.updated', 'test', 'conn_' || n % 7, '{}', $1
       FROM generate_series(1, 1100) n`,
      [world.clock.now()],
    );
    await world.run();
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1100);
    expect(receiver.received).toHaveLength(1100);
    for (let connection = 0; connection < 7; connection += 1) {
      const ids = receiver.received
        .map(({ id }) => id)
        .filter((id) => Number(id.slice(5)) % 7 === connection);
      expect(ids).toEqual([...ids].sort());
    }
  });

  it('tries again until it is accepted, the same bytes under the same id, and keeps the order meanwhile', async () => {
    const { receiver } = await world.listen();
    let failures = 3;
    receiver.react = () => {
      failures -= 1;
      return failures < 0 ? 200 : 500;
    };
    const ids = await writeMany(3);
    await world.pass(600);
    expect(receiver.accepted).toEqual(ids);
    expect(receiver.received.map(({ id }) => id)).toEqual([ids[0], ids[0], ids[0], ...ids]);
    expect(new Set(receiver.received.slice(0, 4).map(({ body }) => body)).size).toBe(1);
    expect(receiver.forged).toEqual([]);
  });

  it('lets one connection wait for its own failure alone', async () => {
    const { receiver } = await world.listen();
    receiver.react = ({ event }) => (event.connectionId === 'conn_bad' ? 503 : 204);
    const [bad] = await writeMany(2, 'conn_bad');
    const good = await writeMany(3, 'conn_good');
    await world.run();
    expect(receiver.accepted).toEqual(good);
    expect(receiver.received.filter(({ event }) => event.connectionId === 'conn_bad')).toMatchObject([
      { id: bad },
    ]);
  });

  it.each(['hang', 'lose'] as const)(
    'sends again what a receiver took and did not answer (%s)',
    async (how) => {
      if (how === 'hang') world = await startWebhookWorld(db, IMPATIENT);
      const { receiver } = await world.listen();
      receiver.react = () => (receiver.received.length < 3 ? how : 204);
      const ids = await writeMany(2);
      await world.pass(60);
      expect(receiver.received.map(({ id }) => id)).toEqual([ids[0], ids[0], ids[0], ids[1]]);
      expect(receiver.accepted).toEqual(ids);
    },
  );

  it('does not follow a redirect, nor count it as accepted', async () => {
    const elsewhere = await world.listen({ enabled: false });
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => ({ status: 307, headers: { location: elsewhere.receiver.url } });
    await write();
    await world.run();
    expect(elsewhere.receiver.received).toEqual([]);
    expect(await statusOf(endpoint.id)).toMatchObject([
      { status: 'pending', attempts: 1, lastStatus: null, lastError: 'redirect' },
    ]);
  });

  it('reads no more of an answer than a mebibyte', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => ({ status: 400, headers: {}, body: 'x'.repeat(1_048_577) });
    await write();
    await world.run();
    expect(await statusOf(endpoint.id)).toMatchObject([{ status: 'pending', lastError: 'too_large' }]);
  });

  it('comes back no earlier than Retry-After says', async () => {
    const { receiver } = await world.listen();
    receiver.react = () =>
      receiver.received.length === 1 ? { status: 429, headers: { 'retry-after': '900' } } : 204;
    const [id] = await writeMany(1);
    await world.pass(899);
    expect(receiver.received).toHaveLength(1);
    await world.pass(1);
    expect(receiver.accepted).toEqual([id]);
  });

  it('comes back no earlier than Retry-After says, though the endpoint was down and is back before', async () => {
    const { receiver } = await world.listen();
    let isDown = true;
    receiver.react = ({ event }) => {
      if (event.connectionId !== 'conn_1') return isDown ? 500 : 204;
      const asked = receiver.received.filter((webhook) => webhook.event.connectionId === 'conn_1').length;
      return asked === 1 ? { status: 429, headers: { 'retry-after': '1800' } } : 204;
    };
    const polite = await write('conn_1');
    for (let other = 2; other <= 6; other += 1) await write(`conn_${other}`);
    await world.run();
    const asked = () => receiver.received.filter(({ id }) => id === polite).length;
    isDown = false;
    await world.pass(1_799);
    expect(receiver.accepted).toHaveLength(5);
    expect(asked()).toBe(1);
    await world.pass(1);
    expect(asked()).toBe(2);
  });

  it('holds up nobody for an endpoint that hangs', async () => {
    const slow = await world.listen();
    const quick = await world.listen();
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    slow.receiver.react = async () => {
      await held;
      return 204;
    };
    for (let connection = 0; connection < 20; connection += 1) await write(`conn_${connection}`);
    await world.tick();
    await quick.receiver.until(20);
    expect(slow.receiver.accepted).toEqual([]);
    letGo();
    await world.pass(3_600);
    expect(new Set(slow.receiver.accepted).size).toBe(20);
  });

  it('loses nothing, and no order, to a receiver that is back after two days', async () => {
    const { receiver, endpoint } = await world.listen();
    const moods = ['lose', 500, 502] as const;
    receiver.react = () => moods[receiver.received.length % moods.length] ?? 500;
    const sent: Record<string, string[]> = { conn_1: [], conn_2: [], conn_3: [] };
    for (let hour = 0; hour < 48; hour += 6) {
      for (const [connection, ids] of Object.entries(sent)) ids.push(...(await writeMany(2, connection)));
      await world.pass(6 * 3_600);
    }
    expect(receiver.accepted).toEqual([]);
    receiver.react = () => 204;
    await world.pass(3_600);
    for (const [connection, ids] of Object.entries(sent)) {
      const firstSeen = receiver.received.filter(({ event }) => event.connectionId === connection);
      expect([...new Set(firstSeen.map(({ id }) => id))]).toEqual(ids);
      expect(receiver.accepted.filter((id) => ids.includes(id))).toEqual(ids);
    }
    expect(receiver.forged).toEqual([]);
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({
      enabled: true,
      failingSince: null,
    });
  }, 60_000);

  it('sends what the outbox forgets after a day', async () => {
    const { receiver } = await world.listen();
    receiver.react = () => 500;
    const id = await write('conn_1', { type: 'credential.refreshed' });
    await world.pass(2 * DAY);
    await world.webhooks.sweep(world.clock.now());
    await db.query('test_forget', 'DELETE FROM events', []);
    receiver.react = () => 204;
    await world.pass(3_600);
    expect(receiver.accepted).toEqual([id]);
  });

  it('disables an endpoint after three days of failures, tells of it once, and goes on when it is enabled', async () => {
    const { receiver, endpoint } = await world.listen();
    const witness = await world.listen({ eventTypes: ['webhook_endpoint.disabled'] });
    receiver.react = () => 500;
    const ids = [...(await writeMany(2, 'conn_1')), ...(await writeMany(1, 'conn_2'))];
    await world.pass(3 * DAY - 60);
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
    await world.pass(120);
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({
      enabled: false,
      disabledReason: 'failing',
    });
    expect(witness.receiver.received.map(({ event }) => event)).toMatchObject([
      {
        ...{ type: 'webhook_endpoint.disabled', connectionId: null, provider: null, tenantId: null },
        webhookEndpoint: { id: endpoint.id, reason: 'failing' },
      },
    ]);
    const attempts = receiver.received.length;
    receiver.react = () => 204;
    const meanwhile = await write('conn_1');
    await world.pass(DAY);
    expect(receiver.received).toHaveLength(attempts);
    await world.endpoints.updateEndpoint(endpoint.id, 'test', { enabled: true });
    await world.run();
    // Also of its own end, since it wants all.
    const notice = witness.receiver.received.map(({ id }) => id);
    expect([...receiver.accepted].sort()).toEqual([...ids, meanwhile, ...notice].sort());
    const ofFirst = [ids[0], ids[1], meanwhile];
    expect(receiver.accepted.filter((id) => ofFirst.includes(id))).toEqual(ofFirst);
  }, 60_000);

  it('tries an endpoint that is down again and again, but one request at a time', async () => {
    const { receiver } = await world.listen();
    receiver.react = () => 500;
    for (let connection = 0; connection < 30; connection += 1) await write(`conn_${connection}`);
    await world.run();
    const before = receiver.received.length;
    await world.pass(3_600);
    const hourly = receiver.received.length - before;
    // At most one in half a minute, half of the longest pause.
    expect(hourly).toBeGreaterThan(10);
    expect(hourly).toBeLessThan(135);
    receiver.react = () => 204;
    await world.pass(120);
    expect(receiver.accepted).toHaveLength(30);
  });

  it('gives an event up after three days where others are accepted, and the connection goes on', async () => {
    const { receiver, endpoint } = await world.listen();
    const [poison, next] = await writeMany(2, 'conn_bad');
    receiver.react = ({ id }) => (id === poison ? 400 : 204);
    for (let hour = 0; hour <= 73; hour += 1) {
      await write('conn_good');
      await world.pass(3_600);
    }
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
    expect(receiver.accepted).toContain(next);
    const [failed] = (await world.webhooks.listDeliveries(endpoint.id, { status: 'failed', limit: 9 })).data;
    expect(failed).toMatchObject({ eventId: poison, lastStatus: 400, lastError: 'status' });
    expect(world.webhooks.results().get('given_up')).toBe(1);
  }, 60_000);

  it('disables an endpoint that says it is gone', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => 410;
    await write();
    await world.pass(DAY);
    expect(receiver.received).toHaveLength(1);
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({
      enabled: false,
      disabledReason: 'gone',
    });
  });

  it('counts an endpoint that was given up apart from one that a person paused, until a person deals with it', async () => {
    const { receiver, endpoint } = await world.listen();
    await world.listen({ enabled: false });
    receiver.react = () => 410;
    await write();
    await world.run();
    expect(await world.webhooks.figures()).toMatchObject({ enabled: 0, paused: 1, givenUp: 1 });
    await world.endpoints.updateEndpoint(endpoint.id, 'test', { enabled: false });
    expect(await world.webhooks.figures()).toMatchObject({ enabled: 0, paused: 2, givenUp: 0 });
  });

  it('audits that it disabled an endpoint, and why, in its own name whoever woke it', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => 410;
    await write();
    const who = { type: 'key', id: 'key_1' } as const;
    await asActor({ who, where: null }, () => world.run());
    const entries = await db.query<{ who: object; details: object }>(
      'test_disabled',
      `SELECT content->'who' AS who, content->'details' AS details FROM audit_pending
       WHERE action = 'webhook_endpoint.disabled' AND environment = 'test' AND tenant_id = ''`,
      [],
    );
    expect(entries).toEqual([
      {
        who: { type: 'server', task: 'webhooks.send' },
        details: { endpointId: endpoint.id, reason: 'gone' },
      },
    ]);
  });

  it.each([410, 500])(
    'lets a late %s of the address before say nothing of the new one, which is sent to at once',
    async (status) => {
      const { receiver, endpoint } = await world.listen();
      let answer = (_status: number): void => {};
      receiver.react = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const id = await write();
      await world.tick();
      await receiver.until(1);
      world.clock.move(1);
      const other = await moveTo(endpoint);
      answer(status);
      await world.webhooks.settled();
      expect(other.accepted).toEqual([id]);
      expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({
        ...{ enabled: true, disabledReason: null, failingSince: null },
      });
    },
  );

  it('lets a late 410 not disable an endpoint that was enabled again meanwhile', async () => {
    const { receiver, endpoint } = await world.listen();
    let answer = (_status: number): void => {};
    receiver.react = () =>
      receiver.received.length > 1
        ? 204
        : new Promise((resolve) => {
            answer = resolve;
          });
    const id = await write();
    await world.tick();
    await receiver.until(1);
    for (const enabled of [false, true]) {
      world.clock.move(1);
      await world.endpoints.updateEndpoint(endpoint.id, 'test', { enabled });
    }
    answer(410);
    await world.webhooks.settled();
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
    expect(receiver.accepted).toEqual([id]);
  });

  it('begins the pauses anew at a new address, also for what was under way to the one before', async () => {
    const { receiver, endpoint } = await world.listen();
    let answer = (_status: number): void => {};
    let isHeld = false;
    receiver.react = () =>
      isHeld
        ? new Promise((resolve) => {
            answer = resolve;
          })
        : 500;
    const id = await write();
    await world.pass(DAY);
    isHeld = true;
    const before = receiver.received.length;
    world.clock.move(3_600);
    await world.tick();
    await receiver.until(before + 1);
    world.clock.move(1);
    const other = await moveTo(endpoint);
    other.react = () => (other.received.length === 1 ? 500 : 204);
    answer(500);
    await world.webhooks.settled();
    await world.pass(5);
    expect(other.accepted).toEqual([id]);
  });

  it('keeps what happened while it was disabled for longer than the outbox does', async () => {
    const { receiver, endpoint } = await world.listen({ enabled: false });
    const missed = await write();
    for (let day = 1; day <= 8; day += 1) {
      world.clock.move(DAY);
      await world.webhooks.sweep(world.clock.now());
      await db.query('test_sweep', 'DELETE FROM events WHERE time < $1', [
        new Date(world.clock.now().getTime() - 7 * DAY * 1_000),
      ]);
    }
    await world.endpoints.updateEndpoint(endpoint.id, 'test', { enabled: true });
    const later = await write();
    await world.run();
    expect(receiver.accepted).toEqual([missed, later]);
  });

  it('is not disabled for one failure, though the last one before was never made good', async () => {
    const { receiver, endpoint } = await world.listen();
    const poison = await write('conn_bad');
    receiver.react = ({ id }) => (id === poison ? 400 : 204);
    for (let hour = 0; hour <= 73; hour += 1) {
      if (hour < 71) await write('conn_good');
      await world.pass(3_600);
    }
    expect(
      (await world.webhooks.listDeliveries(endpoint.id, { status: 'failed', limit: 9 })).data,
    ).toHaveLength(1);
    await world.pass(3 * DAY + 60);
    receiver.react = () => 503;
    await write('conn_good');
    await world.run();
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
  }, 60_000);

  it('is not disabled for one failure, though the server died before it had noted that all is well', async () => {
    const { receiver, endpoint } = await world.listen();
    await db.query('test_unhealed', 'UPDATE webhook_endpoints SET failures = 1, failing_since = $1', [
      world.clock.now(),
    ]);
    await world.pass(4 * DAY);
    receiver.react = () => 503;
    await write();
    await world.run();
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
  });

  it('does not count an old failure against an endpoint that was well in between', async () => {
    const { receiver, endpoint } = await world.listen();
    receiver.react = () => (receiver.received.length === 1 ? 500 : 204);
    await write();
    await world.pass(60);
    expect(receiver.accepted).toHaveLength(1);
    await world.pass(10 * DAY);
    receiver.react = () => 500;
    await write();
    await world.run();
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({ enabled: true });
  });

  it('tells how far behind it is, and how attempts ended', async () => {
    const { receiver } = await world.listen();
    await world.listen({ enabled: false });
    receiver.react = () => 500;
    await writeMany(2);
    await world.run();
    world.clock.move(3);
    expect(await world.webhooks.figures()).toMatchObject({ lagSeconds: 3, pending: 2, enabled: 1 });
    expect([...world.webhooks.results()]).toEqual([['retried', 1]]);
    receiver.react = () => 204;
    await world.pass(60);
    expect(await world.webhooks.figures()).toMatchObject({ lagSeconds: 0, pending: 0 });
  });

  it('forgets deliveries that are over after a week, and never one that is still to be made', async () => {
    const { receiver, endpoint } = await world.listen();
    const paused = await world.listen();
    const old = await write('conn_1');
    await world.run();
    receiver.react = () => 500;
    const waiting = await write('conn_1');
    await world.run();
    await world.endpoints.updateEndpoint(paused.endpoint.id, 'test', { enabled: false });
    const later = (days: number) => new Date(world.clock.now().getTime() + days * DAY * 1_000);
    await world.webhooks.sweep(later(6));
    expect((await statusOf(endpoint.id)).map(({ eventId }) => eventId)).toEqual([waiting, old]);
    await world.webhooks.sweep(later(8));
    expect((await statusOf(endpoint.id)).map(({ eventId }) => eventId)).toEqual([waiting]);
    await world.webhooks.sweep(later(30));
    expect((await statusOf(endpoint.id)).map(({ eventId }) => eventId)).toEqual([waiting]);
  });

  it('sends nothing while the database may be a copy, and never to what the original set up', async () => {
    const { receiver, endpoint } = await world.listen();
    await write();
    const frozen = await startWebhookWorld(db, { clock: world.clock, isFrozen: () => true });
    await frozen.run();
    expect(receiver.received).toEqual([]);
    const copy = await startWebhookWorld(db, { clock: world.clock, isForeign: () => true });
    await copy.run();
    expect(receiver.received).toEqual([]);
    expect(await world.endpoints.getEndpoint(endpoint.id, 'test')).toMatchObject({
      enabled: false,
      disabledReason: 'deployment_copied',
    });
  });
});
