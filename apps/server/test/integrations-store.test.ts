import { randomBytes } from 'node:crypto';
import { findProvider, type ProviderDefinition } from '@authpipe/providers';
import type { IntegrationRequest } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { Problem } from '../src/errors/problem.js';
import {
  createIntegrations,
  type IntegrationPlace,
  type Integrations,
  type IntegrationsDependencies,
} from '../src/integrations/integration-store.js';
import { systemRandomness } from '../src/randomness.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';
import type { Vault } from '../src/vault/vault.js';
import { describeEachEngine } from './support/databases.js';

const SECRET = 'planted-client-secret';
const start = new Date('2026-03-01T12:00:00.000Z');

const oktaRequest: IntegrationRequest = {
  clientId: '0oa1',
  clientSecret: SECRET,
  config: { domain: 'acme.okta.com' },
};
const withoutSecret: IntegrationRequest = { clientId: '0oa1', config: { domain: 'acme.okta.com' } };

const product = (integrationId: string): IntegrationPlace => ({
  environment: 'test',
  tenantId: null,
  integrationId,
});
const ofTenant = (tenantId: string, integrationId = 'okta') => ({
  environment: 'test',
  tenantId,
  integrationId,
});

const problemOf = async (work: Promise<unknown>): Promise<Problem> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Problem)) throw new Error('expected a Problem', { cause: error });
  return error;
};

const faultsOf = async (work: Promise<unknown>) => {
  const { code, details } = await problemOf(work);
  expect(code).toBe('invalid_request');
  return details.errors ?? [];
};

describeEachEngine('integrations', (open) => {
  let db: Database;
  let vault: Vault;
  let now = start;
  let integrations: Integrations;
  const build = (more: Partial<IntegrationsDependencies> = {}): Integrations =>
    createIntegrations({
      db,
      vault,
      clock: { now: () => now },
      randomness: systemRandomness,
      allowLoopback: false,
      isProduction: false,
      ...more,
    });

  beforeAll(async () => {
    db = await open();
    const rootKeys = [rootKeyOf(randomBytes(32))];
    vault = await openVault({ db, rootKeys, clock: { now: () => now }, randomness: systemRandomness });
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    now = start;
    await db.prisma.event.deleteMany();
    await db.prisma.connection.deleteMany();
    await db.prisma.integration.deleteMany();
    integrations = build();
  });

  const put = (request: IntegrationRequest, place = product('okta'), store = integrations) =>
    store.putIntegration({ ...place, request });

  const connect = async (integrationRowId: string) => {
    const at = { createdAt: now, updatedAt: now, since: now };
    await db.prisma.connection.create({
      data: {
        ...{ id: `conn_${randomBytes(8).toString('hex')}`, environment: 'test', integrationId: 'okta' },
        ...{ integrationRowId, provider: 'okta', authMethod: 'user_oauth', kind: 'oauth2', tenantId: 'org' },
        ...{ owner: 'user', userId: 'user', label: 'default', status: 'healthy' },
        ...{ requestedScopes: [], scopes: [], config: {}, metadata: {} },
        ...at,
      },
    });
  };

  const ageBy = (seconds: number) => {
    now = new Date(now.getTime() + seconds * 1000);
  };

  describe('setting one up', () => {
    it('takes provider, method and scopes from the definition, and the domain in its stored form', async () => {
      const { record, created } = await put({
        ...oktaRequest,
        config: { domain: ' https://ACME.okta.com/ ' },
      });
      expect(created).toBe(true);
      expect(record).toMatchObject({
        integrationId: 'okta',
        tenantId: null,
        provider: 'okta',
        authMethod: 'user_oauth',
        hasClientSecret: true,
        scopes: [],
        config: { domain: 'acme.okta.com' },
        redirectUri: null,
        version: 1,
        status: 'healthy',
        reason: null,
        createdAt: start,
        updatedAt: start,
      });
      expect(await integrations.getIntegration(product('okta'))).toEqual(record);
      expect(await integrations.findByRowId(record.rowId)).toEqual(record);
    });

    it('keeps the secret sealed, and out of the record', async () => {
      const { record } = await put(oktaRequest);
      expect(JSON.stringify(record)).not.toContain(SECRET);
      const [row] = await db.query<{ text: string }>(
        'dump',
        "SELECT i::text || encode(client_secret, 'escape') AS text FROM integrations i",
        [],
      );
      expect(row?.text).not.toContain(SECRET);
      expect(await integrations.openClient(record)).toEqual({
        clientId: '0oa1',
        clientSecret: SECRET,
        clientKey: null,
      });
      expect(await integrations.openIntegration(record.rowId)).toEqual({
        integration: record,
        client: { clientId: '0oa1', clientSecret: SECRET, clientKey: null },
      });
    });

    it.each<[string, IntegrationPlace, IntegrationPlace]>([
      ['another tenant', ofTenant('org_a'), ofTenant('org_b')],
      ['another integration of the same tenant', product('okta'), product('sso')],
    ])('does not open a secret that was moved to %s', async (_where, from, to) => {
      const { record: mine } = await put(oktaRequest, from);
      const { record: theirs } = await put({ ...oktaRequest, provider: 'okta', clientSecret: 'other' }, to);
      const { clientSecret } = await db.prisma.integration.findUniqueOrThrow({ where: { id: mine.rowId } });
      await db.prisma.integration.update({ where: { id: theirs.rowId }, data: { clientSecret } });
      await expect(integrations.openClient(theirs)).rejects.toMatchObject({ name: 'VaultError' });
    });

    it('does not open an earlier secret that was put back', async () => {
      const { record } = await put(oktaRequest);
      const { clientSecret } = await db.prisma.integration.findUniqueOrThrow({ where: { id: record.rowId } });
      const { record: rolled } = await put({ ...oktaRequest, clientSecret: 'rolled' });
      await db.prisma.integration.update({ where: { id: record.rowId }, data: { clientSecret } });
      await expect(integrations.openClient(rolled)).rejects.toMatchObject({ name: 'VaultError' });
    });

    it('is one row when two do it at once', async () => {
      const results = await Promise.all([put(oktaRequest), put(oktaRequest), put(oktaRequest)]);
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(results.map(({ record }) => record.rowId)).size).toBe(1);
    });
  });

  describe('what is refused', () => {
    it('is a wrong domain, with what to type instead', async () => {
      expect(await faultsOf(put({ ...oktaRequest, config: { domain: 'acme-admin.okta.com' } }))).toEqual([
        { pointer: '/config/domain', detail: expect.stringContaining('Did you mean acme.okta.com?') },
      ]);
      expect(await db.prisma.integration.count()).toBe(0);
    });

    it('is a client secret without the domain it may go to', async () => {
      const { config: _, ...nowhere } = oktaRequest;
      expect(await faultsOf(put(nowhere))).toEqual([
        { pointer: '/config/domain', detail: expect.stringContaining('missing') },
      ]);
    });

    it('is not a client without a secret whose domain comes with the connection', async () => {
      const { record } = await put({ clientId: '0oa1' });
      expect(record).toMatchObject({ hasClientSecret: false, config: {} });
      expect(await integrations.openClient(record)).toEqual({
        clientId: '0oa1',
        clientSecret: null,
        clientKey: null,
      });
    });

    it('is a loopback domain, unless development allows it', async () => {
      const loopback = { ...oktaRequest, config: { domain: 'localhost:4601' } };
      expect(await faultsOf(put(loopback))).toHaveLength(1);
      const { record } = await put(loopback, product('okta'), build({ allowLoopback: true }));
      expect(record.config).toEqual({ domain: 'localhost:4601' });
    });

    it('is a setting that the provider does not have, pointed at as RFC 6901 writes it', async () => {
      const config = { domain: 'acme.okta.com', 'a/b~c': 'x' };
      expect(await faultsOf(put({ ...oktaRequest, config }))).toEqual([
        { pointer: '/config/a~1b~0c', detail: expect.stringContaining('domain') },
      ]);
    });

    it('is an unknown provider, an unknown method, and a method that has no client', async () => {
      expect(await faultsOf(put(oktaRequest, product('acme-sso')))).toEqual([
        { pointer: '/provider', detail: expect.stringContaining('okta') },
      ]);
      expect(await faultsOf(put({ ...oktaRequest, authMethod: 'magic' }))).toEqual([
        { pointer: '/authMethod', detail: expect.stringContaining('user_oauth') },
      ]);
      expect(await faultsOf(put({ clientId: 'x' }, product('jumpcloud')))).toEqual([
        { pointer: '/authMethod', detail: expect.stringContaining('needs no integration') },
      ]);
    });

    it('is another provider under a provider’s own id', async () => {
      const auth0 = { ...oktaRequest, provider: 'auth0', config: { domain: 'acme.eu.auth0.com' } };
      expect(await faultsOf(put(auth0, product('okta')))).toEqual([
        { pointer: '/provider', detail: expect.stringContaining('must be "okta"') },
      ]);
      expect((await put(auth0, product('sign-in'))).record.provider).toBe('auth0');
    });

    it('is an unknown scope where the provider has a closed list; what Authpipe adds need not be given', async () => {
      const okta = findProvider('okta');
      const [method] = okta?.authMethods ?? [];
      if (!okta || method?.kind !== 'oauth2') throw new Error('okta has changed');
      const closed: ProviderDefinition = { ...okta, authMethods: [{ ...method, acceptsOtherScopes: false }] };
      const strict = build({ findProvider: (id) => (id === 'okta' ? closed : undefined) });
      const scopes = ['openid', 'offline_access', 'okta.everything'];
      expect(await faultsOf(put({ ...oktaRequest, scopes }, product('okta'), strict))).toEqual([
        { pointer: '/scopes/2', detail: expect.stringContaining('okta.users.read') },
      ]);
      expect((await put({ ...oktaRequest, scopes })).record.scopes).toEqual(scopes);
    });

    it('is two scopes in one text, which the provider would read as more than was checked', async () => {
      const faults = await faultsOf(put({ ...oktaRequest, scopes: ['openid okta.users.manage', 'a"b'] }));
      expect(faults.map(({ pointer }) => pointer)).toEqual(['/scopes/0', '/scopes/1']);
    });

    it.each([
      ['http://app.example.com/callback', 'https://'],
      ['https://app.example.com/callback#part', 'fragment'],
      ['https://app.example.com/callback#', 'fragment'],
      ['https://app.example.com/callback?of=okta', 'query'],
      ['https://app.example.com/callback?', 'query'],
      ['https://user:word@app.example.com/callback', 'user name'],
      ['javascript:alert(1)', 'https://'],
      ['http://localhost.example.com/callback', 'https://'],
    ])('is the redirect URI %s', async (redirectUri, word) => {
      expect(await faultsOf(put({ ...oktaRequest, redirectUri }))).toEqual([
        { pointer: '/redirectUri', detail: expect.stringContaining(word) },
      ]);
    });

    it('is a loopback redirect URI over http in production only', async () => {
      const request = { ...oktaRequest, redirectUri: 'http://localhost:4600/connect/callback' };
      expect(await faultsOf(put(request, product('okta'), build({ isProduction: true })))).toEqual([
        { pointer: '/redirectUri', detail: expect.stringContaining('production') },
      ]);
      expect((await put(request)).record.redirectUri).toBe(request.redirectUri);
    });
  });

  describe('putting it again', () => {
    it('changes nothing when nothing differs, with or without the secret', async () => {
      const { record } = await put(oktaRequest);
      ageBy(60);
      expect(await put(oktaRequest)).toEqual({ record, created: false });
      expect(await put(withoutSecret)).toEqual({ record, created: false });
    });

    it('keeps the secret while scopes change, and it opens under the new version', async () => {
      await put(oktaRequest);
      ageBy(60);
      const { record } = await put({ ...withoutSecret, scopes: ['openid'] });
      expect(record).toMatchObject({ version: 2, scopes: ['openid'], hasClientSecret: true, updatedAt: now });
      expect((await integrations.openClient(record)).clientSecret).toBe(SECRET);
    });

    it('takes a new secret', async () => {
      await put(oktaRequest);
      const { record } = await put({ ...oktaRequest, clientSecret: 'rolled' });
      expect(record.version).toBe(2);
      expect((await integrations.openClient(record)).clientSecret).toBe('rolled');
    });

    it.each([
      ['another domain', { ...withoutSecret, config: { domain: 'other.okta.com' } }, 'config.domain'],
      ['another client', { ...withoutSecret, clientId: '0oa2' }, 'clientId'],
    ])('never sends the stored secret along with %s', async (_what, request, word) => {
      const { record } = await put(oktaRequest);
      expect(await faultsOf(put(request))).toEqual([
        { pointer: '/clientSecret', detail: expect.stringContaining(word) },
      ]);
      expect(await integrations.findByRowId(record.rowId)).toEqual(record);
      const moved = await put({ ...request, clientSecret: SECRET });
      expect(moved.record).toMatchObject({ version: 2, config: request.config, clientId: request.clientId });
    });

    it('never sends the stored secret along with another provider or method', async () => {
      const auth0 = { ...withoutSecret, provider: 'auth0', config: { domain: 'acme.eu.auth0.com' } };
      await put({ ...auth0, clientSecret: SECRET }, product('sso'));
      const other = { ...auth0, authMethod: 'client_credentials' };
      const okta = { ...withoutSecret, provider: 'okta' };
      for (const [request, word] of [
        [other, 'authMethod'],
        [okta, 'provider'],
      ] as const) {
        expect(await faultsOf(put(request, product('sso')))).toEqual([
          { pointer: '/clientSecret', detail: expect.stringContaining(word) },
        ]);
      }
    });

    it('does not change the provider or the method under connections', async () => {
      const auth0 = { ...oktaRequest, provider: 'auth0', config: { domain: 'acme.eu.auth0.com' } };
      const { record } = await put(auth0, product('sso'));
      await connect(record.rowId);
      const other = await problemOf(put({ ...auth0, authMethod: 'client_credentials' }, product('sso')));
      expect(other.code).toBe('conflict');
      expect(other.message).toContain('Connections use this integration');
      expect((await put({ ...auth0, scopes: ['openid'] }, product('sso'))).record.version).toBe(2);
    });

    it('does not send the tokens of connections to another host', async () => {
      const { record } = await put(oktaRequest);
      await connect(record.rowId);
      const elsewhere = await problemOf(put({ ...oktaRequest, config: { domain: 'evil.okta.com' } }));
      expect(elsewhere.code).toBe('conflict');
      expect(await integrations.findByRowId(record.rowId)).toEqual(record);
      const rolled = await put({ ...oktaRequest, clientId: '0oa2', clientSecret: 'rolled' });
      expect(rolled.record).toMatchObject({ version: 2, clientId: '0oa2' });
    });

    it('does not change the method either when a connection is made at that very moment', async () => {
      const auth0 = { ...oktaRequest, provider: 'auth0', config: { domain: 'acme.eu.auth0.com' } };
      const { record } = await put(auth0, product('sso'));
      let isConnected = false;
      const seal: Vault['seal'] = async (...args) => {
        if (!isConnected) await connect(record.rowId);
        isConnected = true;
        return vault.seal(...args);
      };
      const request = { ...auth0, authMethod: 'client_credentials' };
      const late = await problemOf(put(request, product('sso'), build({ vault: { ...vault, seal } })));
      expect(late.code).toBe('conflict');
      expect(await integrations.findByRowId(record.rowId)).toEqual(record);
    });

    it('mends a secret that does not open any more', async () => {
      const { record } = await put(oktaRequest, ofTenant('org_a'));
      await vault.forgetTenant('test', 'org_a');
      await expect(integrations.openClient(record)).rejects.toThrow();
      const { record: mended } = await put(oktaRequest, ofTenant('org_a'));
      expect((await integrations.openClient(mended)).clientSecret).toBe(SECRET);
    });

    it('loses no change when several come at once', async () => {
      await put(oktaRequest);
      await Promise.all(['a', 'b', 'c'].map((scope) => put({ ...withoutSecret, scopes: [scope] })));
      const record = await integrations.getIntegration(product('okta'));
      expect(record?.version).toBe(4);
      expect((await integrations.openClient(record as NonNullable<typeof record>)).clientSecret).toBe(SECRET);
    });
  });

  it('does not give the secret to who read the integration before its host changed', async () => {
    const { record: before } = await put(oktaRequest);
    await put({ ...oktaRequest, clientSecret: 'for the other org', config: { domain: 'other.okta.com' } });
    expect((await problemOf(integrations.openClient(before))).code).toBe('conflict');
  });

  describe('finding', () => {
    it('prefers the tenant’s own, and tells tenants and environments apart', async () => {
      const { record: shared } = await put(oktaRequest);
      const { record: own } = await put(oktaRequest, ofTenant('org_a'));
      await put(oktaRequest, { ...product('okta'), environment: 'live' });
      const find = (tenantId: string | null, provider = 'okta') =>
        integrations.findIntegrations({ environment: 'test', tenantId, provider });
      expect(await find('org_a')).toEqual([own]);
      expect(await find('org_b')).toEqual([shared]);
      expect(await find(null)).toEqual([shared]);
      expect(await integrations.getIntegration(ofTenant('org_b'))).toBeNull();
      expect(await integrations.listIntegrations({ environment: 'test', tenantId: null })).toEqual([shared]);
      expect(await integrations.listIntegrations({ environment: 'test', tenantId: 'org_a' })).toEqual([own]);
    });

    it('hides the product’s integration behind the tenant’s of the same id, whatever provider that has', async () => {
      await put({ ...oktaRequest, provider: 'okta' }, product('sso'));
      const auth0 = { ...oktaRequest, provider: 'auth0', config: { domain: 'acme.eu.auth0.com' } };
      await put(auth0, ofTenant('org_a', 'sso'));
      expect(
        await integrations.findIntegrations({ environment: 'test', tenantId: 'org_a', provider: 'okta' }),
      ).toEqual([]);
    });

    it('takes the one with the provider’s id, else the only one, else refuses to guess', async () => {
      const place = { environment: 'test', tenantId: 'org_a' };
      const none = integrations.resolveIntegration({ ...place, provider: 'okta' });
      expect((await problemOf(none)).code).toBe('integration_not_configured');
      const { record: one } = await put({ ...oktaRequest, provider: 'okta' }, product('one'));
      expect(await integrations.resolveIntegration({ ...place, provider: 'okta' })).toEqual(one);
      await put({ ...oktaRequest, provider: 'okta' }, product('two'));
      const several = await problemOf(integrations.resolveIntegration({ ...place, provider: 'okta' }));
      expect(several.code).toBe('connection_ambiguous');
      expect(several.message).toContain('one, two');
      expect(await integrations.resolveIntegration({ ...place, integration: 'one' })).toEqual(one);
      const { record: named } = await put(oktaRequest);
      expect(await integrations.resolveIntegration({ ...place, provider: 'okta' })).toEqual(named);
      const wrong = integrations.resolveIntegration({ ...place, integration: 'one', provider: 'auth0' });
      expect((await problemOf(wrong)).code).toBe('integration_not_configured');
    });
  });

  describe('deleting', () => {
    it('forgets it', async () => {
      const { record } = await put(oktaRequest);
      await integrations.deleteIntegration(product('okta'));
      expect(await integrations.findByRowId(record.rowId)).toBeNull();
      expect(await integrations.openIntegration(record.rowId)).toBeNull();
      expect((await problemOf(integrations.deleteIntegration(product('okta')))).code).toBe('not_found');
    });

    it('is refused while a connection uses it', async () => {
      const { record } = await put(oktaRequest);
      await connect(record.rowId);
      expect((await problemOf(integrations.deleteIntegration(product('okta')))).code).toBe('conflict');
      expect(await integrations.findByRowId(record.rowId)).toEqual(record);
    });
  });

  describe('a client that the provider refuses', () => {
    const degraded = { status: 'degraded', reason: 'client_secret_invalid', retryAt: new Date(0) } as const;

    const healthy = { status: 'healthy', reason: null } as const;
    const told = async () =>
      (await db.prisma.event.findMany({ orderBy: { sequence: 'asc' } })).map(({ type, payload }) => [
        type,
        (payload as { reason: string | null }).reason,
      ]);

    it('is told in one event, however often it is noticed', async () => {
      const { record } = await put(oktaRequest, ofTenant('org_a'));
      ageBy(60);
      const marks = [1, 2, 3].map(() => integrations.markIntegration(record, degraded, now));
      await Promise.all(marks);
      expect(await integrations.findByRowId(record.rowId)).toMatchObject({
        status: 'degraded',
        reason: degraded.reason,
        version: 1,
      });
      const events = await db.prisma.event.findMany();
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        type: 'integration.degraded',
        environment: 'test',
        connectionId: null,
        tenantId: 'org_a',
        time: now,
        payload: {
          integration: 'okta',
          provider: 'okta',
          tenantId: 'org_a',
          status: 'degraded',
          reason: degraded.reason,
        },
      });
    });

    it('is told in another event when its reason changes, with the newest reason, and in none while it stays', async () => {
      const { record } = await put(oktaRequest);
      await integrations.markIntegration(record, degraded, now);
      const other = { status: 'degraded', reason: 'app_deactivated', retryAt: new Date(0) } as const;
      await Promise.all([1, 2, 3].map(() => integrations.markIntegration(record, other, now)));
      expect(await integrations.findByRowId(record.rowId)).toMatchObject({ reason: other.reason });
      expect(await told()).toEqual([
        ['integration.degraded', degraded.reason],
        ['integration.degraded', other.reason],
      ]);
    });

    it('is told once when it works again, however often that is noticed, and a new fall is a new event', async () => {
      const { record } = await put(oktaRequest, ofTenant('org_a'));
      await integrations.markIntegration(record, healthy, now);
      expect(await told()).toEqual([]);
      await integrations.markIntegration(record, degraded, now);
      const marks = [1, 2, 3].map(() => integrations.markIntegration(record, healthy, now));
      expect((await Promise.all(marks)).sort()).toEqual(['changed', 'unchanged', 'unchanged']);
      expect(await integrations.findByRowId(record.rowId)).toMatchObject({ status: 'healthy', reason: null });
      const [, recovered] = await db.prisma.event.findMany({ orderBy: { sequence: 'asc' } });
      expect(recovered).toMatchObject({
        ...{ type: 'integration.recovered', environment: 'test', connectionId: null, tenantId: 'org_a' },
        payload: {
          integration: 'okta',
          provider: 'okta',
          tenantId: 'org_a',
          status: 'healthy',
          reason: null,
        },
      });
      await integrations.markIntegration(record, degraded, now);
      expect((await told()).map(([type]) => type)).toEqual([
        ...['integration.degraded', 'integration.recovered', 'integration.degraded'],
      ]);
    });

    it('is told to be well when it gets a new secret, and not once more when that works', async () => {
      const { record } = await put(oktaRequest);
      await integrations.markIntegration(record, degraded, now);
      await put({ ...withoutSecret, scopes: ['openid'] });
      expect(await told()).toHaveLength(1);
      const { record: mended } = await put({ ...oktaRequest, clientSecret: 'rolled' });
      await put({ ...oktaRequest, clientSecret: 'rolled again' });
      expect(await integrations.markIntegration(mended, healthy, now)).not.toBe('changed');
      expect(await told()).toEqual([
        ['integration.degraded', degraded.reason],
        ['integration.recovered', null],
      ]);
    });

    it('starts anew with a new secret, and not with other scopes', async () => {
      const { record } = await put(oktaRequest);
      await integrations.markIntegration(record, degraded, now);
      expect((await put({ ...withoutSecret, scopes: ['openid'] })).record.status).toBe('degraded');
      expect((await put({ ...oktaRequest, clientSecret: 'rolled' })).record).toMatchObject({
        status: 'healthy',
        reason: null,
      });
    });

    it('says nothing of the settings that were put in the place of those it was tried with', async () => {
      const { record: old } = await put(oktaRequest);
      const { record } = await put({ ...oktaRequest, clientSecret: 'rolled' });
      expect(await integrations.markIntegration(old, degraded, now)).toBe('outdated');
      expect(await integrations.findByRowId(record.rowId)).toMatchObject({ status: 'healthy', reason: null });
      expect(await db.prisma.event.count()).toBe(0);
      expect(await integrations.markIntegration(record, degraded, now)).toBe('changed');
      const other = { ...degraded, reason: 'app_deactivated' } as const;
      expect(await integrations.markIntegration(old, other, now)).toBe('outdated');
      expect(await integrations.markIntegration(old, healthy, now)).toBe('outdated');
      expect(await integrations.findByRowId(record.rowId)).toMatchObject({ reason: degraded.reason });
      expect(await integrations.markIntegration(record, healthy, now)).toBe('changed');
    });

    it('may be gone by then', async () => {
      await integrations.markIntegration({ rowId: 'int_gone', version: 1 }, degraded, now);
      expect(await db.prisma.event.count()).toBe(0);
    });
  });
});
