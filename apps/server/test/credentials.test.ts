import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import { createNamedSecretStore } from '../src/credentials/named-secret-store.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { commitMeanwhile, NEXT_VERSION } from './support/meanwhile.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  orgAnswers,
  refOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  TENANT,
  type TestNode,
  testClock,
} from './support/world.js';

describeEachEngine('credentials', (open, engine) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  const read = (ref: Parameters<TestNode['readCredential']>[0], tenantId: string | null = null) =>
    node.readCredential(ref, ENVIRONMENT, tenantId);

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('gives what was connected, ready to be sent', async () => {
    const { connection, created } = await connectUser(node, org, clock);
    expect(created).toBe(true);
    const credential = await read(refOf());
    expect(credential).toMatchObject({
      connectionId: connection.id,
      kind: 'oauth2',
      tokenType: 'Bearer',
      version: 1,
      status: 'healthy',
      reason: null,
      baseUrl: org.url,
      account: { email: 'ada@acme.test' },
    });
    expect(credential.headers).toEqual({ authorization: `Bearer ${credential.credential}` });
    expect(await orgAnswers(org, credential)).toBe(200);
    expect(await eventsOf(node, connection.id)).toEqual(['connection.created']);
  });

  it('reads in one statement, by its parts and by its id', async () => {
    await connectUser(node, org, clock, { userId: 'user_counted' });
    const { connectionId } = await read(refOf('user_counted'));
    const seen: string[] = [];
    const counted = {
      ...db,
      query: <Row>(name: string, sql: string, values: readonly unknown[]) => {
        seen.push(name);
        return db.query<Row>(name, sql, values);
      },
    };
    const other = await startNode({ db: counted, clock });
    await other.readCredential(refOf('user_counted'), ENVIRONMENT, null);
    seen.length = 0;
    await other.readCredential(refOf('user_counted'), ENVIRONMENT, null);
    expect(seen).toEqual(['credential_by_name']);
    seen.length = 0;
    await other.readCredential({ connectionId }, ENVIRONMENT, null);
    expect(seen).toEqual(['credential_by_id']);
  });

  it('shares statements between reads of one moment, and gives each its own', async () => {
    const users = ['joined_1', 'joined_2', 'joined_3', 'joined_4', 'joined_5', 'joined_6'];
    for (const userId of users) await connectUser(node, org, clock, { userId });
    const ids = (await Promise.all(users.map((user) => read(refOf(user))))).map((one) => one.connectionId);
    let statements = 0;
    const counted = await startNode({
      clock,
      db: {
        ...db,
        query: (...statement) => {
          statements += 1;
          return db.query(...statement);
        },
      },
    });
    const readThere = (ref: Parameters<TestNode['readCredential']>[0]) =>
      counted.readCredential(ref, ENVIRONMENT, null);
    await readThere(refOf('joined_1'));
    statements = 0;
    const refs = [...users, 'nobody', 'joined_1'].map((user) => refOf(user));
    const found = await Promise.allSettled(refs.map(readThere));
    expect(
      found.map((one) => (one.status === 'fulfilled' ? one.value.connectionId : one.reason.code)),
    ).toEqual([...ids, 'connection_not_found', ids[0]]);
    // One for all of them, and one more for the one that the first does not find.
    expect(statements).toBe(2);
    statements = 0;
    const byId = await Promise.all(ids.map((connectionId) => readThere({ connectionId })));
    expect(byId.map((one) => one.connectionId)).toEqual(ids);
    expect(statements).toBe(1);
  });

  it('never falls back to another owner, label, environment or tenant', async () => {
    const { connection } = await connectUser(node, org, clock, { userId: 'user_alone' });
    const missing = expect.objectContaining({ code: 'connection_not_found' });
    await expect(
      read({ provider: 'okta', tenantId: TENANT, owner: 'tenant', label: 'default' }),
    ).rejects.toEqual(missing);
    await expect(read(refOf('user_alone', 'work'))).rejects.toEqual(missing);
    await expect(read({ ...refOf('user_alone'), tenantId: 'org_other' })).rejects.toEqual(missing);
    await expect(read({ connectionId: connection.id }, 'org_other')).rejects.toEqual(missing);
    await expect(node.readCredential({ connectionId: connection.id }, 'live', null)).rejects.toEqual(missing);
    await expect(read({ connectionId: connection.id }, TENANT)).resolves.toMatchObject({ version: 1 });
  });

  it('asks to check what was given: an id, or tenant, user and label', async () => {
    await expect(read({ connectionId: 'conn_unknown' })).rejects.toMatchObject({
      message: expect.stringMatching(/with this id(?!.*\b(user|label)\b)/),
    });
    await expect(read(refOf('user_unknown'))).rejects.toMatchObject({
      message: expect.stringContaining('check tenant, user, label and environment'),
    });
  });

  it('says so when nobody knows a provider of the name', async () => {
    await connectUser(node, org, clock, { userId: 'user_typing' });
    const misspelt = { ...refOf('user_typing'), provider: 'octa' };
    await expect(read(misspelt)).rejects.toMatchObject({
      code: 'connection_not_found',
      message: expect.stringContaining('check its spelling'),
    });
    await expect(read(refOf('user_unknown'))).rejects.not.toMatchObject({
      message: expect.stringContaining('spelling'),
    });
  });

  it('keeps the id when a person connects again, and grows the version', async () => {
    const first = await connectUser(node, org, clock, { userId: 'user_again' });
    const second = await connectUser(node, org, clock, { userId: 'user_again' });
    expect(second.created).toBe(false);
    expect(second.connection).toMatchObject({ id: first.connection.id, version: 2 });
    expect(await eventsOf(node, first.connection.id)).toEqual(['connection.created', 'connection.updated']);
    const byId = await connectUser(node, org, clock, {
      userId: 'user_elsewhere',
      connectionId: first.connection.id,
    });
    expect(byId.connection).toMatchObject({ id: first.connection.id, userId: 'user_again', version: 3 });
    await expect(connectUser(node, org, clock, { connectionId: 'conn_unknown' })).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('keeps one connection and its last version when many connect at once', async () => {
    const saved = await Promise.all(
      Array.from({ length: 4 }, () => connectUser(node, org, clock, { userId: 'user_hasty' })),
    );
    expect(new Set(saved.map(({ connection }) => connection.id)).size).toBe(1);
    const credential = await read(refOf('user_hasty'));
    expect(credential.version).toBe(4);
    expect(await orgAnswers(org, credential)).toBe(200);
  });

  it('gives way to a grant that was saved while it sealed its own, and comes after it', async () => {
    const { connection } = await connectUser(node, org, clock, { userId: 'user_raced' });
    let isRaced = false;
    const raced = await startNode({
      clock,
      db: {
        ...db,
        query: async <Row>(name: string, sql: string, values: readonly unknown[]) => {
          if (name === 'grant_replace' && !isRaced) {
            isRaced = true;
            await connectUser(node, org, clock, { userId: 'user_raced' });
          }
          return db.query<Row>(name, sql, values);
        },
      },
    });
    const last = await connectUser(raced, org, clock, { userId: 'user_raced' });
    expect(last.connection).toMatchObject({ id: connection.id, version: 3 });
    expect(await read(refOf('user_raced'))).toMatchObject({ version: 3 });
  });

  it('says what was asked for and not granted, and not what it added by itself', async () => {
    const { connection } = await connectUser(node, org, clock, {
      userId: 'user_partial',
      requestedScopes: ['openid', 'okta.users.read', 'okta.apps.manage', 'offline_access'],
      scopes: ['openid', 'okta.users.read'],
    });
    expect((await node.connections.getConnection(connection.id, ENVIRONMENT)).missingScopes).toEqual([
      'okta.apps.manage',
    ]);
  });

  it('asks which integration of a provider is meant, where there are several and none has its name', async () => {
    const ofSnyk = (integrationId: string) =>
      node.integrations.putIntegration({
        environment: ENVIRONMENT,
        tenantId: null,
        integrationId,
        request: {
          provider: 'snyk',
          clientId: 'client',
          clientSecret: 'planted',
          config: { region: 'eu.snyk.io' },
        },
      });
    const { record } = await ofSnyk('snyk-eu');
    const asSnyk = { userId: 'user_snyk', integrationRowId: record.rowId, provider: 'snyk' };
    const key = { environment: ENVIRONMENT, tenantId: TENANT, owner: 'user', label: 'default' } as const;
    await connectUser(node, org, clock, {
      ...asSnyk,
      key: { ...key, integrationId: 'snyk-eu', userId: 'user_snyk' },
    });
    const ref = { ...refOf('user_snyk'), provider: 'snyk' };
    expect(await read(ref)).toMatchObject({ version: 1 });
    await ofSnyk('snyk-us');
    await expect(read(ref)).rejects.toMatchObject({ code: 'connection_ambiguous' });
    expect(await read({ ...ref, integration: 'snyk-eu' })).toMatchObject({ version: 1 });
    await ofSnyk('snyk');
    await expect(read(ref)).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it('takes a provider for the integration of that name', async () => {
    const twin = { ...refOf('user_twin'), provider: 'okta' } as const;
    await setUpIntegration(node, org, 'okta-staff');
    await connectUser(node, org, clock, { userId: 'user_twin', integrationId: 'okta-staff' });
    await expect(read(twin)).rejects.toMatchObject({ code: 'connection_not_found' });
    const { connection } = await connectUser(node, org, clock, { userId: 'user_twin' });
    expect(await read(twin)).toMatchObject({ connectionId: connection.id });
    const staff = { integration: 'okta-staff', tenantId: TENANT, userId: 'user_twin', label: 'default' };
    expect((await read(staff)).connectionId).not.toBe(connection.id);
    await expect(read({ ...staff, provider: 'snyk' })).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('lists connections page by page, by all that they are filtered by', async () => {
    const wanted = { tenantId: TENANT, metadata: { plan: 'gold' } };
    for (const userId of ['user_l1', 'user_l2', 'user_l3']) {
      clock.move(1);
      await connectUser(node, org, clock, { userId, metadata: { plan: 'gold', user: userId } });
    }
    const page = { environment: ENVIRONMENT, limit: 2 };
    const first = await node.connections.listConnections(wanted, { ...page, cursor: null });
    expect(first.data.map(({ userId }) => userId)).toEqual(['user_l3', 'user_l2']);
    const second = await node.connections.listConnections(wanted, { ...page, cursor: first.nextCursor });
    expect(second).toMatchObject({ data: [{ userId: 'user_l1' }], nextCursor: null });
    const none = { ...wanted, userId: 'user_l1', status: 'degraded' } as const;
    expect((await node.connections.listConnections(none, { ...page, cursor: null })).data).toEqual([]);
    await expect(
      node.connections.listConnections({}, { ...page, cursor: 'bm9uc2Vuc2U' }),
    ).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('lists by every filter at once, and goes on to the next page of that', async () => {
    const filter = {
      tenantId: TENANT,
      userId: 'user_filtered',
      owner: 'user',
      integration: 'okta',
      provider: 'okta',
      status: 'healthy',
    } as const;
    const metadata = { plan: 'filtered' };
    const labels = ['first', 'second'];
    for (const label of labels) {
      const key = {
        environment: ENVIRONMENT,
        integrationId: 'okta',
        tenantId: TENANT,
        owner: 'user',
        label,
      } as const;
      await connectUser(node, org, clock, { key: { ...key, userId: 'user_filtered' }, metadata });
    }
    for (const wanted of [filter, { ...filter, metadata }]) {
      const page = { environment: ENVIRONMENT, limit: 1 };
      const first = await node.connections.listConnections(wanted, { ...page, cursor: null });
      const second = await node.connections.listConnections(wanted, { ...page, cursor: first.nextCursor });
      expect([...first.data, ...second.data].map(({ label }) => label).sort()).toEqual(labels);
      expect(second.nextCursor).toBeNull();
    }
  });

  it('refuses a cursor of a time that no connection has', async () => {
    const cursor = Buffer.from('999999999999999:conn_x').toString('base64url');
    await expect(
      node.connections.listConnections({}, { environment: ENVIRONMENT, cursor, limit: 1 }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('tells of changed metadata once', async () => {
    const { connection } = await connectUser(node, org, clock, { userId: 'user_meta' });
    const changed = await node.connections.updateMetadata(connection.id, ENVIRONMENT, { team: 'blue' });
    expect(changed.metadata).toEqual({ team: 'blue' });
    await node.connections.updateMetadata(connection.id, ENVIRONMENT, { team: 'blue' });
    expect(await eventsOf(node, connection.id)).toEqual(['connection.created', 'connection.updated']);
    await expect(node.connections.updateMetadata('conn_none', ENVIRONMENT, {})).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  // PGlite has one connection: nothing is committed between.
  if (engine === 'postgres') {
    it('tells of changed metadata with the version that was committed meanwhile, never with one before', async () => {
      const { connection } = await connectUser(node, org, clock, { userId: 'user_meanwhile' });
      const patch = () => node.connections.updateMetadata(connection.id, ENVIRONMENT, { plan: 'free' });
      await commitMeanwhile(db, connection.id, NEXT_VERSION, patch);
      const told = (await node.events.listEvents(ENVIRONMENT, 0)).map(({ event }) => event);
      expect(told.filter(({ connectionId }) => connectionId === connection.id)).toMatchObject([
        { type: 'connection.created', version: 1 },
        { type: 'connection.updated', version: 2, metadata: { plan: 'free' } },
      ]);
    });
  }

  it('keeps named secrets beside a credential, each sealed for its name', async () => {
    const { connection } = await connectUser(node, org, clock, { userId: 'user_named' });
    await node.secrets.putSecret(connection.id, ENVIRONMENT, 'webhook', 'planted-webhook-1');
    await Promise.all(
      ['a', 'b', 'c'].map((value) => node.secrets.putSecret(connection.id, ENVIRONMENT, 'webhook', value)),
    );
    const { version } = await node.secrets.getSecret(connection.id, ENVIRONMENT, 'webhook');
    expect(version).toBe(4);
    await db.query(
      'test_copy',
      `INSERT INTO named_secrets SELECT connection_id, 'other', version, envelope, created_at, updated_at
      FROM named_secrets WHERE connection_id = $1`,
      [connection.id],
    );
    await expect(node.secrets.getSecret(connection.id, ENVIRONMENT, 'other')).rejects.toThrow();
    await node.secrets.deleteSecret(connection.id, ENVIRONMENT, 'webhook');
    await expect(node.secrets.getSecret(connection.id, ENVIRONMENT, 'webhook')).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('keeps no secret for a connection that is deleted at the same moment', async () => {
    const { connection } = await connectUser(node, org, clock, { userId: 'user_leaving' });
    const deletedMeanwhile: Database = {
      ...db,
      query: async (name, sql, values) => {
        if (name === 'named_secret_put')
          await node.connections.eraseConnection(connection.id, ENVIRONMENT, 1);
        return db.query(name, sql, values);
      },
    };
    const store = createNamedSecretStore({
      db: deletedMeanwhile,
      vault: node.vault,
      clock,
      connections: node.connections,
    });
    await expect(store.putSecret(connection.id, ENVIRONMENT, 'webhook', 'planted')).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('does not open a credential that was moved to another connection', async () => {
    const mine = await connectUser(node, org, clock, { userId: 'user_mine' });
    const theirs = await connectUser(node, org, clock, { userId: 'user_theirs' });
    await db.query(
      'test_move',
      `UPDATE credentials SET envelope = (SELECT envelope FROM credentials WHERE connection_id = $1)
      WHERE connection_id = $2`,
      [mine.connection.id, theirs.connection.id],
    );
    await expect(read(refOf('user_theirs'))).rejects.toThrow('sealed');
  });
});
