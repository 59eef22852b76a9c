import type { TokenErrorVerdict } from '@authpipe/providers';
import type { Connection, Credential } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { canBeRenewed } from '../src/credentials/credential-record.js';
import { createReadCredential } from '../src/credentials/read-credential.js';
import type { Database } from '../src/db/database.js';
import { renewalOf, renewalVerdict, renewedSecrets, type TokenSecrets } from '../src/refresh/renewal.js';
import { describeEachEngine } from './support/databases.js';
import { type HostileServer, json, startHostileServer } from './support/hostile-server.js';
import { falcon, type ServiceWorld, startServiceWorld } from './support/service-world.js';
import { ENVIRONMENT, testClock } from './support/world.js';

const CLIENT_ID = 'falcon-client';
const CLIENT_SECRET = 'planted-falcon-secret';

const REFUSED = { errors: [{ code: 401, message: 'access denied, invalid bearer token' }] };

describeEachEngine('client credentials', (open) => {
  let db: Database;
  let cloud: HostileServer;
  let world: ServiceWorld;
  let issued = 0;

  beforeAll(async () => {
    db = await open();
    cloud = await startHostileServer();
  });
  afterAll(async () => {
    await cloud.close();
    await db.close();
  });
  beforeEach(async () => {
    await db.prisma.event.deleteMany();
    await db.prisma.connection.deleteMany();
    await db.prisma.integration.deleteMany();
    cloud.heard.length = 0;
    cloud.handle('/oauth2/token', (heard, response) => {
      issued += 1;
      return json({ access_token: `at_${issued}`, token_type: 'bearer', expires_in: 1799 })(heard, response);
    });
    cloud.handle('/oauth2/revoke', json({}));
    cloud.handle('/sensors/queries/installers/ccid/v1', json({ resources: ['CID'] }));
    world = await startServiceWorld(db);
  });

  const own = (more: object = {}) => ({
    provider: 'crowdstrike',
    credential: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
    config: { region: cloud.host },
    ...more,
  });
  const bodies = () =>
    cloud.heardAt('/oauth2/token').map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  const opened = async ({ id }: { id: string }) => {
    const stored = await world.node.credentials.openCredential(id, ENVIRONMENT);
    if (!stored || !('accessToken' in stored.secrets)) throw new Error('There is no such token.');
    return { ...stored, secrets: stored.secrets };
  };

  /** An integration of the product on the test's own cloud: the catalogue's list of clouds has none on this machine. */
  const setUpIntegration = async (clientSecret = CLIENT_SECRET) => {
    const { node } = world;
    const request = { clientId: CLIENT_ID, clientSecret, config: { region: 'api.crowdstrike.com' } };
    const place = { environment: ENVIRONMENT, tenantId: null, integrationId: 'crowdstrike' };
    const { record } = await node.integrations.putIntegration({ ...place, request });
    await db.prisma.integration.update({
      where: { id: record.rowId },
      data: { config: { region: cloud.host } },
    });
    return record;
  };

  describe('a client of the connection’s own', () => {
    it('is proved by a first token, and the connection is healthy from the start', async () => {
      const { status, body } = await world.importAs(own());
      expect(status).toBe(201);
      expect(body).toMatchObject({
        ...{
          kind: 'client_credentials',
          authMethod: 'client_credentials',
          status: 'healthy',
          owner: 'tenant',
        },
        ...{ version: 1, reconnectBy: null, missingScopes: [], config: { region: cloud.host } },
      });
      expect((body as Connection).verifiedAt).not.toBeNull();
      expect(bodies()).toEqual([
        { grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET },
      ]);
    });

    it('gives a credential that is renewed ahead of its end', async () => {
      const { body: connection } = await world.importAs(own());
      const { body } = await world.read(connection.id);
      const credential = body as Credential;
      expect(credential.headers).toEqual({ authorization: `Bearer at_${issued}` });
      expect(credential.fields).toBeUndefined();
      expect(Date.parse(credential.expiresAt ?? '') - world.clock.now().getTime()).toBe(1_799_000);
      expect(Date.parse(credential.refreshAfter ?? '')).toBeLessThan(Date.parse(credential.expiresAt ?? ''));
    });

    it('is not stored when it is refused, and the answer says which field to mend', async () => {
      cloud.handle('/oauth2/token', json(REFUSED, 401));
      const { status, body } = await world.importAs(own());
      expect(status).toBe(400);
      expect(body).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/credential/clientSecret' }],
      });
      expect(JSON.stringify(body)).not.toContain(CLIENT_SECRET);
      expect(await world.connectionCount()).toBe(0);
    });

    it.each([
      [503, {}, 503, 'provider_unavailable'],
      [403, REFUSED, 502, 'provider_error'],
    ])('is not stored when the provider answers %i', async (answer, errors, status, code) => {
      cloud.handle('/oauth2/token', json(errors, answer));
      expect((await world.importAs(own())).body).toMatchObject({ status, code });
      expect(await world.connectionCount()).toBe(0);
    });

    it('needs the settings that say where the provider is', async () => {
      const { body } = await world.importAs({ ...own(), config: undefined });
      expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/config/region' }] });
      expect(bodies()).toEqual([]);
    });

    it('replaces what was there when it is imported again', async () => {
      const { body: first } = await world.importAs(own());
      const { body: second } = await world.importAs(
        own({ credential: { clientId: CLIENT_ID, clientSecret: 'another-secret' } }),
      );
      expect(second).toMatchObject({ id: first.id, version: 2, status: 'healthy' });
      expect((await opened(second)).secrets).toMatchObject({ client: { clientSecret: 'another-secret' } });
    });

    it('is in no log, event, answer or plain bytes', async () => {
      const { body } = await world.importAs(own());
      const { body: read } = await world.read(body.id);
      for (const text of [
        ...[world.logText(), await world.eventText(), await world.storedText()],
        ...[JSON.stringify(body), JSON.stringify(read)],
      ]) {
        expect(text).not.toContain(CLIENT_SECRET);
      }
      expect(world.logText()).toContain('asked the provider');
      expect(await world.storedText()).toContain('client_credentials');
    });

    it('renews with the same client and scopes, and keeps no refresh token', async () => {
      const { body } = await world.importAs(own());
      const stored = await opened(body);
      const found = await world.node.findTarget(stored.connection, stored.secrets);
      const renewal = renewalOf(stored.secrets, stored.connection);
      if (!found || !renewal) throw new Error('There is nothing to renew with.');
      expect(found.integration).toBeNull();
      cloud.handle(
        '/oauth2/token',
        json({ access_token: 'at_next', refresh_token: 'rt_stray', expires_in: 60 }),
      );
      const grant = await world.node.oauth.renew(found.target, renewal);
      expect(grant).toMatchObject({ accessToken: 'at_next', refreshToken: null, expiresInSeconds: 60 });
      expect(bodies().at(-1)).toEqual(bodies()[0]);
      expect(renewedSecrets(stored.secrets, grant, undefined)).toEqual({
        ...stored.secrets,
        accessToken: 'at_next',
      });
    });

    it('is renewed in the background when a reader finds it due', async () => {
      const clock = testClock();
      world = await startServiceWorld(db, { clock });
      const { body } = await world.importAs(own());
      const asked: string[] = [];
      const read = createReadCredential({
        credentials: world.node.credentials,
        refreshIfDue: async ({ connection }, mode) => void asked.push(`${connection.id} ${mode}`),
        clock,
        wire: { findProvider: falcon, allowLoopback: true },
        noteUse: () => {},
      });
      await read({ connectionId: body.id }, ENVIRONMENT, null);
      expect(asked).toEqual([]);
      clock.move(1_700);
      await read({ connectionId: body.id }, ENVIRONMENT, null);
      expect(asked).toEqual([`${body.id} background`]);
    });

    it('is probed with its token, and revoked with its client when the connection is deleted', async () => {
      const { body } = await world.importAs(own());
      expect(await world.node.health.checkConnection(body.id, ENVIRONMENT)).toMatchObject({
        status: 'healthy',
      });
      expect(cloud.heardAt('/sensors/queries/installers/ccid/v1')).toMatchObject([
        { authorization: `Bearer at_${issued}` },
      ]);
      expect(await world.node.disconnect.deleteConnection(body.id, ENVIRONMENT)).toMatchObject({
        revokedAtProvider: true,
      });
      const [revocation] = cloud.heardAt('/oauth2/revoke');
      expect(Object.fromEntries(new URLSearchParams(revocation?.body))).toMatchObject({
        token: `at_${issued}`,
        client_secret: CLIENT_SECRET,
      });
    });
  });

  describe('the integration’s client', () => {
    const lent = (more: object = {}) => ({
      provider: 'crowdstrike',
      credential: { grant: 'client_credentials' },
      ...more,
    });

    it('is lent to the owner: its secret stays with the integration', async () => {
      const record = await setUpIntegration();
      const { status, body } = await world.importAs(lent());
      expect(status).toBe(201);
      expect(body).toMatchObject({ integration: 'crowdstrike', status: 'healthy' });
      const stored = await opened(body);
      expect(stored.secrets).toMatchObject({ client: null });
      expect(JSON.stringify(stored)).not.toContain(CLIENT_SECRET);
      expect(stored.connection.integrationRowId).toBe(record.rowId);
      expect(await world.node.findTarget(stored.connection, stored.secrets)).toMatchObject({
        target: { client: { clientSecret: CLIENT_SECRET }, config: { region: cloud.host } },
        integration: { rowId: record.rowId },
      });
    });

    it('is to be set up first', async () => {
      expect((await world.importAs(lent())).body).toMatchObject({ code: 'integration_not_configured' });
    });

    it('is the integration’s to mend when it is refused; nothing is stored', async () => {
      await setUpIntegration();
      cloud.handle('/oauth2/token', json(REFUSED, 401));
      expect((await world.importAs(lent())).body).toMatchObject({ code: 'integration_not_configured' });
      expect(await world.connectionCount()).toBe(0);
    });

    it('never goes to a host that comes with the import', async () => {
      await setUpIntegration();
      const { body } = await world.importAs(lent({ config: { region: 'evil.example' } }));
      expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/config/region' }] });
      expect(bodies()).toEqual([]);
    });

    it('is not the one that people sign in to', async () => {
      const request = { clientId: 'web', clientSecret: 'web-secret', config: { domain: 'acme.okta.com' } };
      expect((await world.put('okta', request)).status).toBe(201);
      const { body } = await world.importAs(lent({ provider: 'okta' }));
      expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/integration' }] });
      expect(body.detail).toContain('service_app');
    });
  });
});

describe('what a refused renewal means', () => {
  const oauth: TokenSecrets = { kind: 'oauth2', accessToken: 'at', refreshToken: 'rt' };
  const ownClient: TokenSecrets = {
    ...{ kind: 'client_credentials', accessToken: 'at', refreshToken: null },
    client: { clientId: 'id', clientSecret: 'secret' },
  };
  const lentClient: TokenSecrets = { ...ownClient, client: null };
  const verdict = (
    outcome: TokenErrorVerdict['outcome'],
    reason: TokenErrorVerdict['reason'] = null,
  ): TokenErrorVerdict => ({ outcome, reason, detail: 'As the provider’s definition says.' });

  it.each([
    verdict('reconnect', 'revoked'),
    verdict('code_rejected'),
    verdict('integration', 'client_secret_invalid'),
    verdict('integration', 'configuration'),
  ])('is the client’s fault, and never a dead grant of a person: $outcome $reason', (refused) => {
    expect(renewalVerdict(refused, ownClient)).toMatchObject({
      outcome: 'reconnect',
      reason: 'client_secret_invalid',
    });
    expect(renewalVerdict(refused, lentClient).outcome).toBe('integration');
    expect(renewalVerdict(refused, oauth)).toBe(refused);
  });

  it('keeps the reason that the provider gave for an integration’s client, where it is one of a client', () => {
    expect(renewalVerdict(verdict('reconnect', 'revoked'), lentClient).reason).toBe('client_secret_invalid');
    expect(renewalVerdict(verdict('integration', 'configuration'), lentClient).reason).toBe('configuration');
    expect(renewalVerdict(verdict('integration', 'app_deactivated'), ownClient).reason).toBe(
      'app_deactivated',
    );
  });

  it.each([verdict('transient', 'provider_down'), verdict('configuration', 'consent_required')])(
    'is what it is for everybody: $outcome',
    (told) => {
      for (const secrets of [oauth, ownClient, lentClient]) expect(renewalVerdict(told, secrets)).toBe(told);
    },
  );

  it('leaves nothing to renew an imported token with, and always a way for a client', () => {
    const bare: TokenSecrets = { ...oauth, refreshToken: null };
    expect(renewalOf(bare, { requestedScopes: [] })).toBeNull();
    expect([oauth, bare, ownClient, lentClient].map(canBeRenewed)).toEqual([true, false, true, true]);
    expect(renewalOf(lentClient, { requestedScopes: ['a', 'b'] })).toEqual({
      grant: 'client_credentials',
      scopes: ['a', 'b'],
    });
  });
});
