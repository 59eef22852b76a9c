import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  ENVIRONMENT,
  eventsOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;
const SLOW_RETRY_SECONDS = 300;
const REFUSED = { status: 'degraded', reason: 'client_secret_invalid' } as const;

describeEachEngine('an integration whose client the provider refuses', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let other: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const connectMany = async (count: number): Promise<string[]> => {
    const ids: string[] = [];
    while (ids.length < count) ids.push((await connect()).id);
    return ids;
  };
  const statesOf = async (ids: readonly string[]) => {
    const found = ids.map((id) => node.connections.getConnection(id, ENVIRONMENT));
    return (await Promise.all(found)).map(({ status, reason, version }) => ({ status, reason, version }));
  };
  const integrationOf = async () => {
    const place = { environment: ENVIRONMENT, tenantId: null, integration: 'okta' };
    const { status, reason } = await node.integrations.resolveIntegration(place);
    return { status, reason };
  };
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const asked = () => org.control.counters().refreshRequests;
  const all = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
  const integrationEvents = async () =>
    (await node.events.listEvents(ENVIRONMENT, 0))
      .map(({ event }) => event.type)
      .filter((type) => type === 'integration.degraded').length;
  const putSecret = (clientSecret: string) =>
    node.integrations.putIntegration({
      environment: ENVIRONMENT,
      tenantId: null,
      integrationId: 'okta',
      request: {
        provider: 'okta',
        clientId: CLIENT_ID,
        clientSecret,
        config: { domain: new URL(org.url).host },
      },
    });

  const setDue = (ids: readonly string[]) =>
    db.query('test_due', 'UPDATE credentials SET refresh_at = $1 WHERE connection_id = ANY ($2::text[])', [
      clock.now(),
      ids,
    ]);

  /** One connection finds out that the client is refused; the others come due when a test says so. */
  const findRefused = async ({ others, refuse }: { others: number; refuse?: () => unknown }) => {
    const first = await connect();
    const ids = await connectMany(others);
    await (refuse ?? (() => org.control.breakClientSecret()))();
    await setDue([first.id]);
    await sweep();
    expect(await integrationOf()).toEqual(REFUSED);
    org.control.resetCounters();
    return { first, ids };
  };
  /** They come due, and are put off. */
  const putOff = async (ids: readonly string[]) => {
    await setDue(ids);
    expect(await sweep()).toBe(ids.length);
    expect(asked()).toBe(0);
    expect(await statesOf(ids)).toEqual(all(ids.length, { ...REFUSED, version: 1 }));
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    other = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await db.query('test_clear_events', 'DELETE FROM events', []);
    await db.query(
      'test_mend',
      `UPDATE integrations SET status = 'healthy', reason = NULL, retry_at = NULL`,
      [],
    );
    org.control.restoreClientSecret();
    await putSecret(CLIENT_SECRET);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is tried for one connection at a time, over all replicas; the others are put off and say why', async () => {
    const { ids } = await findRefused({ others: 6 });
    await putOff(ids);
    clock.move(SLOW_RETRY_SECONDS + 1);
    await setDue(ids);
    await Promise.all([sweep(), sweep(other)]);
    expect(asked()).toBe(1);
    await setDue(ids);
    await Promise.all([sweep(), sweep(other)]);
    expect(asked()).toBe(1);
    expect(await statesOf(ids)).toEqual(all(6, { ...REFUSED, version: 1 }));
  });

  it('is told in one event, however many connections run into it at once', async () => {
    const ids = await connectMany(6);
    org.control.breakClientSecret();
    clock.move(DUE_SECONDS);
    await Promise.all([sweep(), sweep(other)]);
    clock.move(SLOW_RETRY_SECONDS * 2);
    await Promise.all([sweep(), sweep(other)]);
    expect(await statesOf(ids)).toEqual(all(6, { ...REFUSED, version: 1 }));
    expect(await integrationEvents()).toBe(1);
    for (const id of ids)
      expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.degraded']);
  });

  it('wakes all its connections with a new secret: they heal, and nobody reconnects', async () => {
    const { first, ids } = await findRefused({ others: 4, refuse: () => putSecret('planted-old-secret') });
    await putOff(ids);
    await putSecret(CLIENT_SECRET);
    expect(await integrationOf()).toEqual({ status: 'healthy', reason: null });
    expect(await sweep()).toBe(5);
    expect(await statesOf([first.id, ...ids])).toEqual(
      all(5, { status: 'healthy', reason: null, version: 2 }),
    );
    for (const id of ids) {
      expect(await eventsOf(node, id)).toEqual([
        'connection.created',
        'connection.degraded',
        'credential.refreshed',
        'connection.recovered',
      ]);
    }
  });

  it('is not refused anew by the answer to an old secret that was on its way when the right one came', async () => {
    await putSecret('planted-old-secret');
    const { id } = await connect();
    const late = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => {
          await putSecret(CLIENT_SECRET);
          return oauth.renew(...given);
        },
      }),
    });
    await setDue([id]);
    expect(await sweep(late)).toBe(1);
    expect(await integrationOf()).toEqual({ status: 'healthy', reason: null });
    expect(await integrationEvents()).toBe(0);
    clock.move(30);
    expect(await sweep()).toBe(1);
    expect(await statesOf([id])).toEqual([{ status: 'healthy', reason: null, version: 2 }]);
  });

  it('does not wake those whose refresh is in no trouble', async () => {
    await findRefused({ others: 3, refuse: () => putSecret('planted-old-secret') });
    await putSecret(CLIENT_SECRET);
    expect(await sweep()).toBe(1);
  });

  it('is found mended by its trial, which wakes the others', async () => {
    const { ids } = await findRefused({ others: 4 });
    await putOff(ids);
    org.control.restoreClientSecret();
    clock.move(SLOW_RETRY_SECONDS + 1);
    const later = new Date(clock.now().getTime() + 3_600_000);
    await db.query('test_later', 'UPDATE credentials SET refresh_at = $1', [later]);
    await setDue(ids.slice(0, 1));
    expect(await sweep(other)).toBe(1);
    expect(await integrationOf()).toEqual({ status: 'healthy', reason: null });
    clock.move(30);
    expect(await sweep()).toBe(4);
    expect(await statesOf(ids)).toEqual(all(4, { status: 'healthy', reason: null, version: 2 }));
  });

  it('is tried at once for a caller who asks, whenever its time is', async () => {
    const { ids } = await findRefused({ others: 1 });
    const [id = ''] = ids;
    await expect(node.refresh.refreshConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'provider_unavailable',
      details: { reason: 'client_secret_invalid' },
    });
    expect(asked()).toBe(1);
    org.control.restoreClientSecret();
    expect(await other.refresh.refreshConnection(id, ENVIRONMENT)).toMatchObject({
      status: 'healthy',
      version: 2,
    });
    expect(await integrationOf()).toEqual({ status: 'healthy', reason: null });
  });

  it('serves the living tokens all along, and never an ended one', async () => {
    const { first } = await findRefused({ others: 0 });
    expect(await first.read()).toMatchObject({ ...REFUSED, version: 1 });
    clock.move(3600);
    await expect(first.read()).rejects.toMatchObject({
      code: 'provider_unavailable',
      details: { reason: 'client_secret_invalid' },
    });
  });

  it('is not hidden by a good look at a token that still works', async () => {
    const { ids } = await findRefused({ others: 1 });
    await putOff(ids);
    // As where nothing but the API itself can be asked, which needs no client.
    const apiAlone = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        probe: async () => ({ result: 'ok', reason: null, by: 'request' }),
      }),
    });
    await db.query('test_probe', 'UPDATE credentials SET probe_at = $1', [clock.now()]);
    expect(await apiAlone.health.sweepDueProbes(clock.now())).toBe(2);
    expect(await statesOf(ids)).toEqual([{ ...REFUSED, version: 1 }]);
  });
});
