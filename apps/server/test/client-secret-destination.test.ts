import { importConnectionRequest } from '@authpipe/types';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createImportConnection } from '../src/connect/import-connection.js';
import {
  CLIENT,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import { type HostileServer, hostileDefinition, startHostileServer } from './support/hostile-server.js';

// Both hosts would do as a domain, so nothing but the integration tells them apart.
let world: ConnectWorld;
let honest: HostileServer;
let thief: HostileServer;

beforeAll(async () => {
  world = await startConnectWorld({ definition: hostileDefinition().definition });
});
afterAll(() => world.close());
beforeEach(async () => {
  honest = await startHostileServer();
  thief = await startHostileServer();
  await world.setUp('ours', { provider: 'hostile', config: { domain: honest.host } });
});
afterEach(async () => {
  // Neither the secret nor the question where to send it came there.
  expect(thief.heard).toEqual([]);
  await Promise.all([honest.close(), thief.close()]);
  await world.db.prisma.connection.deleteMany();
  await world.db.prisma.integration.deleteMany();
});

const sessionFor = (more: Parameters<typeof newSession>[1] = {}) =>
  newSession(world, { integrations: ['ours'], ...more });

const importing = (body: Record<string, unknown>) =>
  createImportConnection({
    findProvider: (id) => (id === 'hostile' ? hostileDefinition().definition : undefined),
    resolveIntegration: world.integrations.resolveIntegration,
    openIntegration: world.integrations.openIntegration,
    oauth: world.oauth,
    saveGrant: world.grants.saveGrant,
    clock: { now: () => new Date() },
    allowLoopback: true,
  })(
    importConnectionRequest.parse({
      provider: 'hostile',
      integration: 'ours',
      tenantId: 'org_acme',
      userId: 'user_123',
      credential: { accessToken: 'at_0', refreshToken: 'rt_0' },
      ...body,
    }),
    ENVIRONMENT,
  );

describe('a stored client secret goes to the host of its integration, and to no other that', () => {
  it('a person types', async () => {
    const browser = createBrowser();
    const made = await sessionFor();
    const hosted = await pressButton(world, browser, made, { integration: 'ours' });
    const option = hosted.root.querySelector('[name=option]')?.getAttribute('value') ?? '';
    for (const fields of [
      { option, 'config.domain': thief.host },
      { option, 'config.domain': thief.host, domain: thief.host, 'config.issuer': thief.issuer },
      { option: thief.host },
    ]) {
      await browser.post(`${world.publicUrl}/connect/${made.id}/start`, fields, { origin: world.publicUrl });
    }
    const asked = browser.visited.filter((url) => url.includes('/authorize'));
    expect(asked.length).toBeGreaterThan(0);
    for (const url of asked) expect(url.startsWith(`${honest.issuer}/authorize`)).toBe(true);
  });

  it('a person types where integrations of several hosts are to pick from', async () => {
    const second = await startHostileServer();
    await world.setUp('theirs', { provider: 'hostile', config: { domain: second.host } });
    const made = await sessionFor({ integrations: ['ours', 'theirs'] });
    const page = await pressButton(world, createBrowser(), made, { integration: 'hostile' });
    const refused = await page.submit({ fields: { 'config.domain': thief.host }, button: 'Continue' });
    expect(refused.status).toBe(422);
    await second.close();
  });

  it('an app passes with a session', async () => {
    await expect(sessionFor({ config: { domain: thief.host } })).rejects.toMatchObject({
      code: 'integration_not_configured',
    });
  });

  it('an import brings along', async () => {
    for (const domain of [thief.host, thief.host.toUpperCase(), `${thief.host} `]) {
      await expect(importing({ config: { domain } })).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(await world.db.prisma.connection.count()).toBe(0);
    const { config } = await importing({ config: { domain: honest.host } });
    expect(config).toEqual({ domain: honest.host });
  });

  it('metadata names, for any endpoint that is asked as the client', async () => {
    for (const endpoint of [
      'token_endpoint',
      'revocation_endpoint',
      'introspection_endpoint',
      'pushed_authorization_request_endpoint',
    ]) {
      const provider = await startHostileServer();
      provider.discover({ [endpoint]: `${thief.issuer}/token` });
      await world.setUp(endpoint, { provider: 'hostile', config: { domain: provider.host } });
      const made = await sessionFor({ integrations: [endpoint] });
      const hosted = await pressButton(world, createBrowser(), made, { integration: endpoint });
      await hosted.submit({ button: 'Continue' });
      expect((await stateOf(world, made)).error?.detail).toContain('sends secrets to another host');
      await provider.close();
    }
  });

  it('a change of the integration names, unless the secret comes anew', async () => {
    const moving = { provider: 'hostile', clientId: CLIENT.clientId, config: { domain: thief.host } };
    const put = (request: Parameters<ConnectWorld['integrations']['putIntegration']>[0]['request']) =>
      world.integrations.putIntegration({
        environment: ENVIRONMENT,
        tenantId: null,
        integrationId: 'ours',
        request,
      });
    await expect(put(moving)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await put({ ...moving, clientSecret: 'another-secret' })).toBeTruthy();
  });
});
