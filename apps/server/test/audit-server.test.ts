import type { AuditEntry } from '@authpipe/types';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { createEventFeed } from '../src/events/event-feed.js';
import { createEventLog } from '../src/events/event-log.js';
import { createLogger } from '../src/log/logger.js';
import { createEventQueue } from '../src/webhooks/event-queue.js';
import { createReplay } from '../src/webhooks/replay.js';
import { ADMIN_KEY, type AuditedServer, startAuditedServer } from './support/audit-world.js';
import { describeEachEngine } from './support/databases.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  connectUser,
  startNode,
  startTestOrg,
  type TestClock,
  testClock,
} from './support/world.js';
import { rememberingFollower } from './support/written-events.js';

/** Where all calls of this test come from. */
const WHERE = { ip: '203.0.113.7', userAgent: 'planted-agent/1.0', instance: 'inst_1' };

const moment = () => new Promise((resolve) => setTimeout(resolve, 5));

describeEachEngine('the audit of a server', (open) => {
  let db: Database;
  let clock: TestClock;
  let server: AuditedServer;
  let org: Org;
  beforeEach(async () => {
    db = await open();
    clock = testClock();
    server = await startAuditedServer(db, clock);
    org = await startTestOrg(clock);
  });
  afterEach(async () => {
    await server.drain();
    await org.close();
    await db.close();
  });

  const call: AuditedServer['call'] = (...given) => server.call(...given);
  const okta = { provider: 'okta', clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
  const setUpOkta = () =>
    call('put', '/integrations/okta', { ...okta, config: { domain: new URL(org.url).host } });
  /** A connection that can be refreshed, made by a person. */
  const connect = async () => {
    const node = await startNode({ db, clock });
    return (await connectUser(node, org, clock)).connection.id;
  };
  const byKey = () => ({ type: 'key', id: server.adminId, name: 'AUTHPIPE_API_KEY' });
  const of = async (...actions: string[]): Promise<AuditEntry[]> =>
    (await server.entries()).filter(({ action }) => actions.includes(action));

  it('has one entry for each change, with who, from where and with which result', async () => {
    await setUpOkta();
    await setUpOkta();
    await call('put', '/integrations/okta', {
      ...okta,
      config: { domain: new URL(org.url).host },
      scopes: ['openid'],
    });
    const { body: imported } = await server.importKey();
    await server.importKey({ metadata: { plan: 'pro' } });
    await call('patch', `/connections/${imported.id}`, { metadata: { plan: 'free' } });
    await call('patch', `/connections/${imported.id}`, { metadata: { plan: 'free' } });
    await call('put', `/connections/${imported.id}/secrets/webhook`, { value: 'planted-named-secret' });
    await call('delete', `/connections/${imported.id}/secrets/webhook`);
    await call('delete', `/connections/${imported.id}`);
    await call('post', '/connect-sessions', { tenantId: 'org_acme', userId: 'user_123' });
    const { body: hook } = await call('post', '/webhook-endpoints', { url: 'https://app.example.com/hooks' });
    await call('patch', `/webhook-endpoints/${hook.id}`, { description: 'Main' });
    await call('post', `/webhook-endpoints/${hook.id}/rotate-secret`, {});
    await call('delete', `/webhook-endpoints/${hook.id}`);
    await call('delete', '/integrations/okta');

    const entries = (await server.entries()).filter(({ action }) => !/^(key|audit)\./.test(action));
    expect(entries.map(({ tenantId, action }) => `${tenantId} ${action}`)).toEqual([
      'null integration.created',
      'null integration.changed',
      'org_acme connection.created',
      'org_acme connection.reconnected',
      'org_acme connection.changed',
      'org_acme secret.stored',
      'org_acme secret.deleted',
      'org_acme connection.deleted',
      'org_acme session.created',
      'null webhook_endpoint.created',
      'null webhook_endpoint.changed',
      'null webhook_endpoint.secret_rotated',
      'null webhook_endpoint.deleted',
      'null integration.deleted',
    ]);
    for (const entry of entries) expect(entry).toMatchObject({ who: byKey(), where: WHERE });
    const details = (action: string) => entries.find((entry) => entry.action === action);
    expect(details('integration.changed')?.details).toEqual({
      ...{ integration: 'okta', provider: 'okta', changed: ['scopes'] },
    });
    expect(details('connection.created')).toMatchObject({
      ...{ connectionId: imported.id, result: 'ok' },
      details: { provider: 'jumpcloud', userId: 'user_123', label: 'default' },
    });
    expect(details('connection.deleted')).toMatchObject({
      ...{ connectionId: imported.id, details: { revokedAtProvider: false } },
    });
    expect(details('secret.stored')?.details).toEqual({ name: 'webhook', version: 1 });
    expect(details('webhook_endpoint.changed')?.details).toMatchObject({ changed: ['description'] });
    expect(await server.audit.verify()).toMatchObject({ intact: true });
  });

  it('counts what is given out for each key, instance, connection and minute, as one entry', async () => {
    const { body: first } = await server.importKey();
    const { body: second } = await server.importKey({ userId: 'user_2' });
    const { key, id } = await server.apiKeys.createApiKey({
      ...{ name: 'worker', environment: 'test', scopes: ['credentials:read'], tenantId: 'org_acme' },
    });
    // To the beginning of a minute.
    clock.move(60 - (clock.now().getTime() % 60_000) / 1_000);
    const read = (connectionId: string, by = ADMIN_KEY) =>
      call('get', `/credentials?connectionId=${connectionId}`, undefined, by);
    await read(first.id);
    await read(first.id);
    await server.tickAudit();
    clock.move(10);
    await read(first.id);
    await read(first.id, key);
    await call('post', '/credentials/batch', {
      credentials: [{ connectionId: first.id }, { connectionId: second.id }],
    });
    clock.move(60);
    await read(first.id);

    const issued = await of('credential.issued');
    expect(
      issued.map(({ connectionId, who, details }) => [connectionId, who, details?.count]).sort(),
    ).toEqual(
      [
        [first.id, byKey(), 4],
        [first.id, { type: 'key', id, name: 'worker' }, 1],
        [second.id, byKey(), 1],
        [first.id, byKey(), 1],
      ].sort(),
    );
    for (const entry of issued) {
      expect(entry).toMatchObject({
        tenantId: 'org_acme',
        where: WHERE,
        result: 'ok',
        details: { version: 1 },
      });
    }
  });

  it('says who was given a named secret', async () => {
    const { body } = await server.importKey();
    await call('put', `/connections/${body.id}/secrets/webhook`, { value: 'planted-named-secret' });
    await call('get', `/connections/${body.id}/secrets/webhook`);
    expect(await of('secret.issued')).toMatchObject([
      {
        connectionId: body.id,
        who: byKey(),
        where: WHERE,
        details: { name: 'webhook', version: 1, count: 1 },
      },
    ]);
  });

  it('says which key was used for what, and what it was refused', async () => {
    const { key, id } = await server.apiKeys.createApiKey({
      ...{ name: 'reader', environment: 'test', scopes: ['connections:read'], tenantId: 'org_acme' },
    });
    const list = (tenantId: string) => call('get', `/connections?tenantId=${tenantId}`, undefined, key);
    await list('org_acme');
    await list('org_acme');
    await list('org_beta');
    await call('post', '/connect-sessions', { tenantId: 'org_acme', userId: 'user_123' }, key);
    await server.apiKeys.revokeApiKey(id);
    const used = await of('key.used');
    expect(
      used.map(({ tenantId, result, details }) => [tenantId, details?.call, result, details?.count]).sort(),
    ).toEqual([
      ['org_acme', 'GET /connections', 'forbidden', 1],
      ['org_acme', 'GET /connections', 'ok', 2],
      ['org_acme', 'POST /connect-sessions', 'forbidden', 1],
    ]);
    for (const entry of used)
      expect(entry).toMatchObject({ who: { type: 'key', id, name: 'reader' }, where: WHERE });
    expect(
      (await of('key.created', 'key.revoked')).filter(({ details }) => details?.keyId === id),
    ).toMatchObject([
      { action: 'key.created', details: { name: 'reader', scopes: ['connections:read'] } },
      { action: 'key.revoked', details: { name: 'reader' } },
    ]);
  });

  it('tells a refresh that somebody asked for from one that was due', async () => {
    await setUpOkta();
    const id = await connect();
    expect((await call('post', `/connections/${id}/refresh`)).status).toBe(200);
    expect((await call('post', `/connections/${id}/check`)).status).toBe(200);
    clock.move(7_200);
    await server.heartbeat.beat();
    const sweep = server.work.find(({ name }) => name === 'refresh.sweep');
    await sweep?.run(clock.now());
    expect(await of('connection.checked')).toMatchObject([
      {
        connectionId: id,
        who: byKey(),
        where: WHERE,
        result: 'ok',
        details: { version: 2, status: 'healthy' },
      },
    ]);
    const refreshed = await of('credential.refreshed');
    expect(refreshed).toMatchObject([
      {
        connectionId: id,
        who: byKey(),
        where: WHERE,
        result: 'ok',
        details: { version: 2, status: 'healthy' },
      },
      {
        connectionId: id,
        who: { type: 'server', task: 'refresh.sweep' },
        where: null,
        details: { version: 3 },
      },
    ]);
  });

  it('leaves to the server what a read sets off', async () => {
    await setUpOkta();
    const id = await connect();
    clock.move(3_500);
    await server.heartbeat.beat();
    await call('get', `/credentials?connectionId=${id}`);
    const isThere = () => db.prisma.auditPending.count({ where: { action: 'credential.refreshed' } });
    for (let look = 0; look < 1_000 && (await isThere()) === 0; look += 1) await moment();
    expect(await of('credential.refreshed')).toMatchObject([{ who: { type: 'server' }, where: null }]);
  });

  it('costs a read no statement', async () => {
    const { body } = await server.importKey();
    const statements: string[] = [];
    const counted = await startAuditedServer(
      {
        ...db,
        query: (name, ...given) => {
          statements.push(name);
          return db.query(name, ...given);
        },
      },
      clock,
    );
    const read = () => counted.call('get', `/credentials?connectionId=${body.id}`);
    await read();
    await counted.tickAudit();
    statements.length = 0;
    for (let count = 0; count < 5; count += 1) expect((await read()).status).toBe(200);
    expect(statements).toEqual(Array.from({ length: 5 }, () => 'credential_by_id'));
    await counted.settle();
    expect((await of('credential.issued'))[0]?.details).toMatchObject({ count: 6 });
    await counted.drain();
  });

  it('tells why a refresh failed and a read was refused', async () => {
    await setUpOkta();
    const id = await connect();
    org.control.revokeGrants({ all: true });
    await call('post', `/connections/${id}/refresh`);
    await call('get', `/credentials?connectionId=${id}`);
    const failed = await of('credential.refresh_failed', 'credential.refused');
    expect(failed.map(({ action, who, result }) => [action, who, result])).toEqual([
      ['credential.refresh_failed', byKey(), 'revoked'],
      ['credential.refused', byKey(), 'needs_reconnect'],
    ]);
  });

  it('tells of looks that found nothing new once a day', async () => {
    // Days are those of UTC: not just before midnight.
    clock.move(86_400 - (Math.floor(clock.now().getTime() / 1_000) % 86_400));
    await setUpOkta();
    const id = await connect();
    const sweep = server.work.find(({ name }) => name === 'health.sweep');
    for (let look = 0; look < 3; look += 1) {
      clock.move(1_000);
      await server.heartbeat.beat();
      await sweep?.run(clock.now());
    }
    expect(await of('connection.checked')).toEqual([]);
    clock.move(2 * 86_400);
    await server.settle();
    expect(
      (await of('connection.checked')).map(({ connectionId, who, details }) => [
        connectionId,
        who,
        details?.count,
      ]),
    ).toEqual([[id, { type: 'server', task: 'health.sweep' }, 3]]);
  });

  it('tells of looks that found what was known the same way, though it is bad', async () => {
    clock.move(86_400 - (Math.floor(clock.now().getTime() / 1_000) % 86_400));
    await setUpOkta();
    const id = await connect();
    org.control.setAdminRole('ada@acme.test', 'NONE');
    const sweep = server.work.find(({ name }) => name === 'health.sweep');
    for (let look = 0; look < 3; look += 1) {
      clock.move(1_000);
      await server.heartbeat.beat();
      await sweep?.run(clock.now());
    }
    expect(await of('connection.checked')).toMatchObject([{ connectionId: id, result: 'role_lost' }]);
    clock.move(2 * 86_400);
    await server.settle();
    const [, ...later] = await of('connection.checked');
    expect(later.map(({ result, details }) => [result, details?.count])).toEqual([['role_lost', 2]]);
  });

  it('takes the sums of what clients serve from their own cache', async () => {
    const { body } = await server.importKey();
    const { body: foreign } = await server.importKey({ tenantId: 'org_beta' });
    const { key, id } = await server.apiKeys.createApiKey({
      ...{ name: 'worker', environment: 'test', scopes: ['credentials:read'], tenantId: 'org_acme' },
    });
    const uses = [
      { connectionId: body.id, count: 40 },
      { connectionId: foreign.id, count: 7 },
      { connectionId: 'conn_none', count: 1 },
    ];
    expect((await call('post', '/usage', { uses }, key)).status).toBe(204);
    expect((await call('post', '/usage', { uses: [{ connectionId: body.id, count: 2 }] }, key)).status).toBe(
      204,
    );
    expect((await call('post', '/usage', { uses: [{ connectionId: body.id, count: 0 }] }, key)).status).toBe(
      400,
    );
    // Along with any other call; what has not the form of it is left out.
    const told = `${body.id}=3, nonsense, conn_x=0, ${foreign.id}=9`;
    const along = await call('get', `/credentials?connectionId=${body.id}`, undefined, key).set(
      'authpipe-uses',
      told,
    );
    expect(along.status).toBe(200);
    // A key that may read no credentials has no word on them.
    const { key: other } = await server.apiKeys.createApiKey({
      ...{ name: 'reader', environment: 'test', scopes: ['connections:read'] },
    });
    await call('get', '/connections', undefined, other).set('authpipe-uses', told);
    const used = await of('credential.used');
    expect(used).toMatchObject([
      { connectionId: body.id, who: { type: 'key', id }, where: WHERE, details: { count: 45 } },
    ]);
    // What is said to be read is kept alive, and nobody keeps others' connections so.
    await server.heartbeat.beat();
    const alive = await db.prisma.credential.findMany({ where: { lastUsedAt: { not: null } } });
    expect(alive.map(({ connectionId }) => connectionId)).toEqual([body.id]);
  });

  it('is read, exported and checked by admins, each tenant’s by its own', async () => {
    await server.importKey();
    await server.importKey({ tenantId: 'org_beta' });
    await server.settle();
    const { key: acme } = await server.apiKeys.createApiKey({
      ...{ name: 'acme', environment: 'test', scopes: ['admin'], tenantId: 'org_acme' },
    });
    const { key: reader } = await server.apiKeys.createApiKey({
      ...{ name: 'reader', environment: 'test', scopes: ['connections:read'] },
    });
    const { key: live } = await server.apiKeys.createApiKey({
      ...{ name: 'live', environment: 'live', scopes: ['admin'] },
    });
    const get = (path: string, key?: string) => call('get', path, undefined, key);
    const tenantsOf = async (path: string, key?: string) => {
      const { body } = await get(path, key);
      return new Set(body.data.map(({ tenantId }: AuditEntry) => tenantId));
    };
    expect(await tenantsOf('/audit')).toEqual(new Set([null, 'org_acme', 'org_beta']));
    expect(await tenantsOf('/audit', acme)).toEqual(new Set(['org_acme']));
    expect(await tenantsOf('/audit?action=connection.created&tenantId=org_beta')).toEqual(
      new Set(['org_beta']),
    );
    expect(await tenantsOf('/audit', live)).toEqual(new Set());
    expect(await tenantsOf(`/audit?until=${new Date(0).toISOString()}`)).toEqual(new Set());
    for (const path of ['/audit', '/audit/export', '/audit/verify', '/tenants/org_acme/export']) {
      expect([path, (await get(path, reader)).status]).toEqual([path, 403]);
    }
    for (const path of ['/audit', '/audit/export', '/audit/verify']) {
      expect((await get(`${path}?tenantId=org_beta`, acme)).status).toBe(403);
    }
    const exported = await get('/audit/export', acme);
    expect(exported.headers['content-type']).toContain('application/x-ndjson');
    const lines = exported.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ format: 'authpipe-audit-1', tenantId: 'org_acme', position: 1 });
    expect(lines.slice(1)).toMatchObject([
      { position: 1, action: 'connection.created', tenantId: 'org_acme' },
    ]);
    expect((await get('/audit/verify', acme)).body).toMatchObject({ intact: true, chains: 1, entries: 1 });
    expect((await get('/audit/verify')).body).toMatchObject({ intact: true, chains: 3 });
  });

  it('is paged without a gap', async () => {
    for (let count = 0; count < 7; count += 1) await server.importKey({ label: `label-${count}` });
    await server.settle();
    const positions: number[] = [];
    let query = '';
    do {
      const { body } = await call('get', `/audit?tenantId=org_acme&limit=3${query}`);
      positions.push(...body.data.map(({ position }: AuditEntry) => position));
      query = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (query !== '');
    expect(positions).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect((await call('get', '/audit?cursor=x')).status).toBe(400);
  });

  it('hands a tenant’s data over, and audits that', async () => {
    const hook = { url: 'http://localhost:9/hooks', eventTypes: ['connection.created'], enabled: false };
    await call('post', '/webhook-endpoints', hook);
    await call('put', '/tenants/org_acme/integrations/okta', {
      ...{ ...okta, config: { domain: new URL(org.url).host } },
    });
    const { body } = await server.importKey();
    await server.importKey({ tenantId: 'org_beta', userId: 'user_beta' });
    await call('put', `/connections/${body.id}/secrets/webhook`, { value: 'planted-named-secret' });
    await call('post', '/connect-sessions', { tenantId: 'org_acme', userId: 'user_123' });
    const { body: link } = await call('post', '/tenants/org_acme/integrations/okta/setup-links', {});
    await server.settle();
    // Before the outbox forgets, what a disabled endpoint is to be told is written down for it.
    await server.work.find(({ name }) => name === 'events.sweep')?.run(clock.now());
    const { text } = await call('get', '/tenants/org_acme/export');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([...new Set(lines.map(({ kind }) => kind))]).toEqual([
      ...['tenant', 'integration', 'connection', 'named_secret', 'connect_session', 'app_setup', 'event'],
      ...['webhook_delivery', 'audit'],
    ]);
    const told = { eventId: expect.stringMatching(/^evt_/), type: 'connection.created', status: 'pending' };
    expect(lines.find(({ kind }) => kind === 'webhook_delivery').data).toMatchObject(told);
    expect(lines.find(({ kind }) => kind === 'connection').data).toMatchObject({
      id: body.id,
      userId: 'user_123',
    });
    expect(text).not.toContain('org_beta');
    expect(text).not.toContain('planted-named-secret');
    expect(text).not.toContain('planted-api-key');
    expect(lines.find(({ kind }) => kind === 'app_setup').data).toMatchObject({ id: link.id });
    expect(text).not.toContain(new URL(link.url).searchParams.get('code'));
    expect(await of('tenant.exported')).toMatchObject([{ tenantId: 'org_acme', who: byKey(), where: WHERE }]);
  });

  it('keeps nothing of an erased tenant but what was done when, and who erased it', async () => {
    await server.importKey({ userId: 'planted-person@acme.test' });
    const { body: beta } = await server.importKey({ tenantId: 'org_beta' });
    const { body } = await call('get', '/connections?tenantId=org_acme');
    await call('get', `/credentials?connectionId=${body.data[0].id}`);
    const { status } = await call('post', '/tenants/org_acme/integrations/okta/setup-links', {});
    expect(status).toBe(201);
    await server.settle();
    clock.move(1);
    await call('get', `/credentials?connectionId=${body.data[0].id}`);
    expect((await call('delete', '/tenants/org_acme')).status).toBe(200);
    await server.settle();
    await server.work.find(({ name }) => name === 'audit.sweep')?.run(clock.now());
    const entries = (await server.entries()).filter(({ tenantId }) => tenantId === 'org_acme');
    const erased = entries.filter(({ who }) => who === null);
    expect(erased.map(({ action }) => action).sort()).toEqual([
      ...['connection.created', 'connection.deleted', 'credential.issued', 'credential.issued'],
      'setup.link_made',
    ]);
    expect(await db.prisma.appSetup.count()).toBe(0);
    expect(entries.filter(({ who }) => who !== null)).toMatchObject([
      { action: 'tenant.erased', who: byKey(), where: WHERE, details: { connections: 1 } },
    ]);
    const stored = await db.query<{ text: string }>(
      'test_stored',
      `SELECT coalesce((SELECT string_agg(e::text, '') FROM audit_entries e WHERE tenant_id = 'org_acme'), '')
        || coalesce((SELECT string_agg(e::text, '') FROM audit_counts e), '')
        || coalesce((SELECT string_agg(e::text, '') FROM audit_pending e), '') AS text`,
      [],
    );
    expect(stored[0]?.text).not.toContain('planted-person');
    expect(await server.audit.verify()).toMatchObject({ intact: true, erased: 5 });
    // Whoever comes again begins anew.
    await server.importKey();
    const again = (await server.entries()).filter(({ tenantId }) => tenantId === 'org_acme').at(-1);
    expect(again).toMatchObject({ action: 'connection.created', who: byKey() });
    expect(beta.tenantId).toBe('org_beta');
  });

  it('forgets the webhooks that told of an erased tenant, once they were sent', async () => {
    await call('post', '/webhook-endpoints', { url: 'https://app.example.com/hooks' });
    await server.importKey();
    await server.importKey({ tenantId: 'org_beta' });
    const queue = () => db.query('test_queue', 'SELECT number_events()', []);
    const add = (status: string) =>
      db.prisma.$executeRawUnsafe(
        `INSERT INTO webhook_deliveries (endpoint_id, event_id, lane, position, type, time, payload, status)
         SELECT w.id, e.id || '${status}', e.connection_id, e.position, e.type, e.time, e.payload, '${status}'
         FROM events e, webhook_endpoints w WHERE e.connection_id IS NOT NULL`,
      );
    await queue();
    await add('delivered');
    await add('pending');
    await call('delete', '/tenants/org_acme');
    const left = await db.prisma.webhookDelivery.findMany({ orderBy: { eventId: 'asc' } });
    const about = left
      .map(({ payload, status }) => [(payload as { tenantId: string }).tenantId, status])
      .sort();
    expect(about).toEqual([
      ['org_acme', 'pending'],
      ['org_beta', 'delivered'],
      ['org_beta', 'pending'],
    ]);
    await db.prisma.webhookDelivery.updateMany({ data: { status: 'delivered' } });
    await server.work.find(({ name }) => name === 'audit.sweep')?.run(clock.now());
    expect(await db.prisma.webhookDelivery.count()).toBe(2);
  });

  it('sends nothing of an erased tenant again but its deletions, and loses nothing that waits', async () => {
    const hook = { url: 'http://localhost:9/hooks' };
    const { body: open } = await call('post', '/webhook-endpoints', hook);
    const { body: paused } = await call('post', '/webhook-endpoints', { ...hook, enabled: false });
    await server.importKey();
    await server.importKey({ tenantId: 'org_beta' });
    const { queueEvents } = createEventQueue({ db });
    const kept = async () =>
      (await db.prisma.event.findMany({ where: { tenantId: 'org_acme' }, orderBy: { sequence: 'asc' } })).map(
        ({ type }) => type,
      );
    const deliveries = async (endpointId: string) =>
      (await db.prisma.webhookDelivery.findMany({ where: { endpointId }, orderBy: { position: 'asc' } })).map(
        ({ payload, type, status }) => `${(payload as { tenantId: string }).tenantId} ${type} ${status}`,
      );
    const arrive = () => db.prisma.webhookDelivery.updateMany({ data: { status: 'delivered' } });
    const sweep = async () => {
      for (const name of ['events.sweep', 'audit.sweep'])
        await server.work.find((each) => each.name === name)?.run(clock.now());
    };
    const { replayRange } = createReplay({ db, clock });
    const replay = (onlyUndelivered: boolean) =>
      replayRange(open.id, 'test', { since: '2020-01-01T00:00:00Z', onlyUndelivered });

    await queueEvents(clock.now());
    await arrive();
    await call('delete', '/tenants/org_acme');
    // The endpoint that is paused has not taken its own yet.
    expect(await kept()).toEqual(['connection.created', 'connection.deleted']);
    expect(await deliveries(open.id)).toEqual(['org_beta connection.created delivered']);
    await sweep();
    expect(await kept()).toEqual(['connection.deleted']);
    expect(await deliveries(paused.id)).toEqual([
      'org_acme connection.created pending',
      'org_beta connection.created pending',
      'org_acme connection.deleted pending',
    ]);
    await arrive();
    await sweep();
    clock.move(1);
    expect(await replay(true)).toBe(0);
    expect(await replay(false)).toBe(2);
    expect(await deliveries(open.id)).toEqual([
      'org_beta connection.created pending',
      'org_acme connection.deleted pending',
    ]);
  });

  it('erases no event of a connection that is there, of a tenant that comes again', async () => {
    const events = () => db.prisma.event.findMany({ where: { type: 'connection.created' } });
    const work = async (name: string) => server.work.find((each) => each.name === name)?.run(clock.now());
    await server.importKey();
    await call('delete', '/tenants/org_acme');
    const { body } = await server.importKey();
    await work('events.sweep');
    await work('audit.sweep');
    expect(await events()).toMatchObject([{ connectionId: body.id }]);
  });

  it('lets streams go on after an erasure: who was away is told of the deletions alone', async () => {
    const events = createEventLog({ db });
    const feed = createEventFeed({
      ...{ events, isListening: () => false, monotonicMillis: () => 0, sleep: async () => {} },
      log: createLogger('silent'),
    });
    const there = rememberingFollower();
    await feed.follow(there.follow, null);
    const before = there.lastCursor;
    await server.importKey();
    await feed.tick();
    const atErased = there.lastCursor;
    await server.importKey({ tenantId: 'org_beta' });
    await feed.tick();
    await call('delete', '/tenants/org_acme');
    const back = rememberingFollower();
    await feed.follow(back.follow, before);
    expect(back.begun).toMatchObject({ resumed: true });
    await feed.tick();
    expect(there.told).toHaveLength(3);
    expect(back.told).toEqual(there.told.slice(1));
    // Nothing proves any more that its place is one of this database.
    const anew = rememberingFollower();
    await feed.follow(anew.follow, atErased);
    expect(anew.begun).toMatchObject({ resumed: false });
    const next = rememberingFollower();
    await feed.follow(next.follow, there.lastCursor);
    expect(next.begun).toMatchObject({ resumed: true });
  });

  it('holds no secret, anywhere', async () => {
    await setUpOkta();
    const id = await connect();
    await server.importKey();
    const { body: read } = await call('get', `/credentials?connectionId=${id}`);
    await call('post', `/connections/${id}/refresh`);
    const { body: again } = await call('get', `/credentials?connectionId=${id}`);
    await call('put', `/connections/${id}/secrets/webhook`, { value: 'planted-named-secret' });
    await call('get', `/connections/${id}/secrets/webhook`);
    const { body: session } = await call('post', '/connect-sessions', {
      tenantId: 'org_acme',
      userId: 'user_123',
    });
    const { body: hook } = await call('post', '/webhook-endpoints', {
      url: 'https://app.example.com/?planted-url-secret',
    });
    const { key } = await server.apiKeys.createApiKey({ name: 'k', environment: 'test', scopes: ['admin'] });
    await call('get', '/connections', undefined, key);
    await call('get', '/connections', undefined, `${key}x`);
    await call('delete', `/connections/${id}`);
    await server.settle();
    const secrets = [
      ...[CLIENT_SECRET, 'planted-api-key', 'planted-named-secret', 'planted-url-secret', ADMIN_KEY, key],
      ...[read.credential, again.credential, session.token, new URL(session.url).searchParams.get('code')],
      hook.secret,
    ];
    const text = [
      JSON.stringify(await server.entries()),
      (await call('get', '/audit/export')).text,
      (await call('get', '/audit/export?tenantId=org_acme')).text,
      (await call('get', '/tenants/org_acme/export')).text,
      (
        await db.query<{ text: string }>(
          'test_all',
          `SELECT coalesce(string_agg(e::text, ''), '') || coalesce((SELECT string_agg(c::text, '') FROM audit_counts c), '')
            || coalesce((SELECT string_agg(p::text, '') FROM audit_pending p), '') AS text FROM audit_entries e`,
          [],
        )
      )[0]?.text,
    ].join('\n');
    expect(text).toContain('credential.issued');
    for (const secret of secrets) {
      expect(typeof secret).toBe('string');
      expect(text).not.toContain(secret);
    }
  });
});
