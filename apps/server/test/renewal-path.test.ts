import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { type HostileServer, json, startHostileServer } from './support/hostile-server.js';
import { type ServiceWorld, startServiceOrg, startServiceWorld } from './support/service-world.js';
import { ENVIRONMENT, eventsOf, testClock } from './support/world.js';

describeEachEngine('the refresh path, for connections without a person', (open) => {
  let db: Database;
  let org: Org;
  let cloud: HostileServer;
  let world: ServiceWorld;
  let issued = 0;
  const realTime = { now: () => new Date(), move: () => {} };

  beforeAll(async () => {
    db = await open();
    cloud = await startHostileServer();
    org = await startServiceOrg([{ clientId: '0oaservice', type: 'service', publicKeys: [] }]);
  });
  afterAll(async () => {
    await cloud.close();
    await org.close();
    await db.close();
  });
  beforeEach(async () => {
    org.control.reset();
    await db.prisma.event.deleteMany();
    await db.prisma.connection.deleteMany();
    await db.prisma.integration.deleteMany();
    cloud.heard.length = 0;
    cloud.handle('/oauth2/token', (heard, response) => {
      issued += 1;
      return json({ access_token: `at_${issued}`, expires_in: 1800 })(heard, response);
    });
  });

  const importOwn = async () => {
    const { body } = await world.importAs({
      ...{ provider: 'crowdstrike', config: { region: cloud.host } },
      credential: { clientId: 'client', clientSecret: 'planted-own-secret' },
    });
    return body as { id: string };
  };
  const importServiceApp = async (dpop: boolean) => {
    const config = { domain: new URL(org.url).host };
    const { body: integration } = await world.put('okta-service', {
      ...{ provider: 'okta', authMethod: 'service_app', clientId: '0oaservice', config, dpop },
    });
    org.control.setPublicKeys('0oaservice', integration.jwks.keys);
    const { body } = await world.importAs({
      ...{ provider: 'okta', integration: 'okta-service', credential: { grant: 'client_credentials' } },
    });
    return body as { id: string };
  };
  const stored = async ({ id }: { id: string }) => {
    const found = await world.node.credentials.openCredential(id, ENVIRONMENT);
    if (!found) throw new Error('There is no such connection.');
    return found;
  };

  it('renews ahead of the end, by the sweep, and again for a reader whose token has ended', async () => {
    const clock = testClock();
    world = await startServiceWorld(db, { clock });
    const connection = await importOwn();
    clock.move(1_700);
    await world.node.refresh.sweepDueRefreshes(clock.now());
    expect(await stored(connection)).toMatchObject({ version: 2, secrets: { accessToken: `at_${issued}` } });
    clock.move(4_000);
    const { body } = await world.read(connection.id);
    expect(body).toMatchObject({ credential: `at_${issued}`, version: 3, status: 'healthy' });
    const types = await eventsOf(world.node, connection.id);
    expect(types).toEqual(['connection.created', 'credential.refreshed', 'credential.refreshed']);
  });

  it('sends whoever brought a client of their own to mend it, once', async () => {
    world = await startServiceWorld(db, { clock: realTime });
    const connection = await importOwn();
    cloud.handle('/oauth2/token', json({ error: 'invalid_grant' }, 400));
    for (let round = 0; round < 2; round += 1)
      await world.node.refresh.refreshNow(connection.id, ENVIRONMENT);
    expect((await stored(connection)).connection).toMatchObject({
      status: 'needs_reconnect',
      reason: 'client_secret_invalid',
    });
    const types = await eventsOf(world.node, connection.id);
    expect(types).toEqual(['connection.created', 'connection.needs_reconnect']);
  });

  it('keeps the trouble of an integration’s client with the integration, until the key is registered again', async () => {
    world = await startServiceWorld(db, { clock: realTime });
    const connection = await importServiceApp(false);
    org.control.breakClientSecret();
    await world.node.refresh.refreshNow(connection.id, ENVIRONMENT);
    expect((await stored(connection)).connection.status).toBe('degraded');
    expect((await world.getIntegration('okta-service')).body).toMatchObject({ status: 'degraded' });
    org.control.restoreClientSecret();
    await world.node.refresh.refreshNow(connection.id, ENVIRONMENT);
    expect((await stored(connection)).connection.status).toBe('healthy');
    expect((await world.getIntegration('okta-service')).body).toMatchObject({ status: 'healthy' });
  });

  it('binds a connection that was made before its integration was set so, and keeps its key from then on', async () => {
    world = await startServiceWorld(db, { clock: realTime });
    const connection = await importServiceApp(false);
    expect((await stored(connection)).tokenType).toBe('Bearer');
    const config = { domain: new URL(org.url).host };
    await world.put('okta-service', {
      ...{ provider: 'okta', authMethod: 'service_app', clientId: '0oaservice', config, dpop: true },
    });
    const keys = [];
    for (let round = 0; round < 2; round += 1) {
      await world.node.refresh.refreshNow(connection.id, ENVIRONMENT);
      const { tokenType, secrets } = await stored(connection);
      expect(tokenType).toBe('DPoP');
      keys.push('dpopKey' in secrets ? secrets.dpopKey?.d : undefined);
    }
    expect(keys[0]).toHaveLength(43);
    expect(keys[1]).toBe(keys[0]);
  });
});
