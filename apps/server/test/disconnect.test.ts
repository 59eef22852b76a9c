import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { createDisconnect } from '../src/disconnect/disconnect.js';
import { createTenantStore } from '../src/disconnect/tenant-store.js';
import { createLogger } from '../src/log/logger.js';
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

describeEachEngine('disconnecting', (open, engine) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let users = 0;

  const connect = async () => {
    users += 1;
    const userId = `user_${users}`;
    const { connection } = await connectUser(node, org, clock, { userId });
    return { id: connection.id, userId };
  };
  const read = (userId: string) => node.readCredential(refOf(userId), ENVIRONMENT, null);
  const rows = async (table: string, column: string, value: string) =>
    (await db.query(`test_rows_${table}`, `SELECT 1 FROM ${table} WHERE ${column} = $1`, [value])).length;

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    org.control.clearFaults();
    org.control.revokeGrants({ all: true });
    await setUpIntegration(node, org);
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('revokes the whole grant at the provider, then erases every trace of the secret', async () => {
    const { id, userId } = await connect();
    const credential = await read(userId);
    await node.secrets.putSecret(id, ENVIRONMENT, 'webhook', 'planted');
    expect(await node.disconnect.deleteConnection(id, ENVIRONMENT)).toEqual({ id, revokedAtProvider: true });
    expect(await orgAnswers(org, credential)).toBe(401);
    expect(org.control.listGrants()).toHaveLength(0);
    expect(await rows('credentials', 'connection_id', id)).toBe(0);
    expect(await rows('named_secrets', 'connection_id', id)).toBe(0);
    await expect(read(userId)).rejects.toMatchObject({ code: 'connection_not_found' });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.deleted']);
    await expect(node.disconnect.deleteConnection(id, ENVIRONMENT)).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('erases all the same when the provider does not answer, and says that it was not revoked', async () => {
    const { id, userId } = await connect();
    org.control.failNext({ kind: 'server_error', times: 10, path: '/oauth2/v1/revoke' });
    expect(await node.disconnect.deleteConnection(id, ENVIRONMENT)).toEqual({ id, revokedAtProvider: false });
    await expect(read(userId)).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it('erases a credential that does not open any more', async () => {
    const { id } = await connect();
    await db.query('test_spoil', `UPDATE credentials SET envelope = '\\x00' WHERE connection_id = $1`, [id]);
    expect(await node.disconnect.deleteConnection(id, ENVIRONMENT)).toEqual({ id, revokedAtProvider: false });
  });

  it('waits for a refresh under way, and ends what that brought', async () => {
    const { id } = await connect();
    clock.move(3400);
    org.control.failNext({ kind: 'hang' });
    const refreshing = node.refresh.sweepDueRefreshes(clock.now());
    while (org.control.hungCount() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const deleting = node.disconnect.deleteConnection(id, ENVIRONMENT);
    org.control.releaseHung();
    expect(await deleting).toMatchObject({ revokedAtProvider: true });
    await refreshing;
    expect(org.control.listGrants()).toHaveLength(0);
  });

  it('ends the tokens of a refresh that comes back after its connection was deleted', async () => {
    const { id } = await connect();
    clock.move(3400);
    org.control.failNext({ kind: 'hang' });
    const refreshing = node.refresh.sweepDueRefreshes(clock.now());
    while (org.control.hungCount() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await node.connections.eraseConnection(id, ENVIRONMENT, 1);
    org.control.releaseHung();
    await refreshing;
    expect(org.control.listGrants()).toHaveLength(0);
  });

  it('ends a grant too that somebody saved while the one before it was being revoked', async () => {
    const { id, userId } = await connect();
    org.control.failNext({ kind: 'hang', path: '/oauth2/v1/revoke' });
    const deleting = node.disconnect.deleteConnection(id, ENVIRONMENT);
    while (org.control.hungCount() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const { connection } = await connectUser(node, org, clock, { userId });
    expect(connection.id).toBe(id);
    org.control.releaseHung();
    expect(await deleting).toEqual({ id, revokedAtProvider: true });
    expect(org.control.listGrants()).toHaveLength(0);
    expect(await rows('credentials', 'connection_id', id)).toBe(0);
  });

  // PGlite has one connection: nothing is committed between.
  if (engine === 'postgres') {
    it('erases no grant that is committed while it waits to erase the one before', async () => {
      const { id } = await connect();
      const erase = () => node.connections.eraseConnection(id, ENVIRONMENT, 1);
      expect(await commitMeanwhile(db, id, NEXT_VERSION, erase)).toBe(false);
      expect(await eventsOf(node, id)).toEqual(['connection.created']);
      expect(await node.connections.findRecord(id, ENVIRONMENT)).toMatchObject({ version: 2 });
      expect(await node.connections.eraseConnection(id, ENVIRONMENT, 2)).toBe(true);
      expect(await rows('credentials', 'connection_id', id)).toBe(0);
    });
  }

  it('ends a tenant: its connections, integrations, sessions and keys, and nobody else’s', async () => {
    await connect();
    const { id } = await connect();
    await node.integrations.putIntegration({
      environment: ENVIRONMENT,
      tenantId: TENANT,
      integrationId: 'okta',
      request: { provider: 'okta', clientId: 'their-own', config: { domain: new URL(org.url).host } },
    });
    const place = { environment: ENVIRONMENT, record: 'x', field: 'y', version: 1 };
    const sealed = await node.vault.seal({ ...place, tenantId: TENANT }, 'planted');
    const foreign = await node.vault.seal({ ...place, tenantId: 'org_other' }, 'kept');
    expect(await node.disconnect.deleteTenant(ENVIRONMENT, TENANT)).toEqual({
      connections: 2,
      revokedAtProvider: 2,
    });
    expect(await rows('connections', 'tenant_id', TENANT)).toBe(0);
    expect(await rows('integrations', 'tenant_id', TENANT)).toBe(0);
    expect(await eventsOf(node, id)).toContain('connection.deleted');
    await expect(node.vault.open({ ...place, tenantId: TENANT }, sealed)).rejects.toThrow();
    expect(await node.vault.open({ ...place, tenantId: 'org_other' }, foreign)).toBe('kept');
    const again = await connect();
    expect((await read(again.userId)).version).toBe(1);
  });

  it('revokes nothing at the provider that is not its own to end, and erases it all the same', async () => {
    const asked: Date[] = [];
    const disconnect = createDisconnect({
      ...node,
      tenants: createTenantStore({ db, vault: node.vault }),
      mayRevoke: (issuedAt) => {
        asked.push(issuedAt);
        return false;
      },
      sleep: async () => {},
      log: createLogger('silent'),
    });
    const foreign = await connect();
    const credential = await read(foreign.userId);
    const stored = await node.credentials.openCredential(foreign.id, ENVIRONMENT);
    expect(await disconnect.deleteConnection(foreign.id, ENVIRONMENT)).toEqual({
      id: foreign.id,
      revokedAtProvider: false,
    });
    expect(asked).toEqual([stored?.issuedAt]);
    expect(await rows('credentials', 'connection_id', foreign.id)).toBe(0);
    // The original, whose copy it was, lives on.
    expect(await orgAnswers(org, credential)).toBe(200);
    await connect();
    expect(await disconnect.deleteTenant(ENVIRONMENT, TENANT)).toEqual({
      connections: 1,
      revokedAtProvider: 0,
    });
    expect(org.control.listGrants()).toHaveLength(2);
  });

  it('ends what somebody connected while the tenant was being erased', async () => {
    await connect();
    const tenants = createTenantStore({ db, vault: node.vault });
    let late = 0;
    const disconnect = createDisconnect({
      ...node,
      mayRevoke: () => true,
      tenants: {
        eraseTenant: async (environment, tenantId) => {
          await tenants.eraseTenant(environment, tenantId);
          if (late === 0) await connect();
          late += 1;
        },
      },
      sleep: async () => {},
      log: createLogger('silent'),
    });
    expect(await disconnect.deleteTenant(ENVIRONMENT, TENANT)).toEqual({
      connections: 2,
      revokedAtProvider: 2,
    });
    expect(await rows('connections', 'tenant_id', TENANT)).toBe(0);
    expect(org.control.listGrants()).toHaveLength(0);
  });
});
