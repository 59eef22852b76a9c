import { afterEach, describe, expect, it } from '@jest/globals';
import { Authpipe } from '../../src/index.js';
import { createTestAuthpipe, type TestAuthpipe } from '../../src/testing/index.js';

const ref = { provider: 'acme', tenantId: 'org_1', userId: 'user_1' } as const;

let made: TestAuthpipe | undefined;
const start = (...options: Parameters<typeof createTestAuthpipe>): TestAuthpipe => {
  made = createTestAuthpipe(...options);
  return made;
};
afterEach(() => made?.authpipe.close());

describe('a connection of a test', () => {
  it('is found by owner, by label, by integration and by id, and by nobody else', async () => {
    const { authpipe, testing } = start();
    const { id } = await testing.connect(ref, { credential: 'of the user' });
    await testing.connect(
      { provider: 'acme', tenantId: 'org_1', owner: 'tenant' },
      { credential: 'of the tenant' },
    );
    await testing.connect({ ...ref, label: 'work' }, { credential: 'of work' });
    const read = async (...args: Parameters<Authpipe['getCredential']>) =>
      (await authpipe.getCredential(...args)).credential;
    expect(await read(ref)).toBe('of the user');
    expect(await read({ connectionId: id })).toBe('of the user');
    expect(await read({ integration: 'acme', tenantId: 'org_1', userId: 'user_1' })).toBe('of the user');
    expect(await read({ provider: 'acme', tenantId: 'org_1', owner: 'tenant' })).toBe('of the tenant');
    expect(await read({ ...ref, label: 'work' })).toBe('of work');
    await expect(read({ ...ref, userId: 'user_2' })).rejects.toMatchObject({ code: 'connection_not_found' });
    await expect(read({ ...ref, tenantId: 'org_2' })).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it('is ambiguous by its provider where two integrations of it are connected', async () => {
    const { authpipe, testing } = start();
    await testing.connect({ ...ref, integration: 'acme-eu' });
    await testing.connect({ ...ref, integration: 'acme-us' });
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'connection_ambiguous' });
  });

  it('holds what the test gives it', async () => {
    const { authpipe, testing } = start({ now: new Date('2026-01-01T00:00:00Z') });
    await testing.connect(ref, {
      ...{
        credential: 'key',
        kind: 'api_key',
        headers: { 'x-key': 'v1 key' },
        baseUrl: 'https://acme.test/api',
      },
      ...{ scopes: ['read'], account: { id: 'a1' }, expiresInSeconds: 60, fields: { region: 'eu' } },
    });
    expect(await authpipe.getCredential(ref)).toMatchObject({
      ...{
        credential: 'key',
        kind: 'api_key',
        headers: { 'x-key': 'v1 key' },
        baseUrl: 'https://acme.test/api',
      },
      ...{ scopes: ['read'], account: { id: 'a1' }, fields: { region: 'eu' } },
      expiresAt: '2026-01-01T00:01:00.000Z',
    });
    await testing.refresh(ref, { credential: 'next' });
    expect((await authpipe.getCredential(ref)).headers).toEqual({ 'x-key': 'v1 next' });
  });
});

describe('what a test says happens', () => {
  it('is seen by the next read, though the client answered from its cache before', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    const first = await authpipe.getCredential(ref);
    expect(await authpipe.getCredential(ref)).toBe(first);
    expect(testing.requests()).toHaveLength(1);

    await testing.needsReconnect(ref);
    expect(authpipe.freshness).toBe('stream');
    expect(authpipe.getCredentialSync(ref)).toBeUndefined();
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({
      code: 'needs_reconnect',
      reason: 'revoked',
      connectionId: first.connectionId,
    });

    await testing.connect(ref, { credential: 'after the reconnect' });
    expect(await authpipe.getCredential(ref)).toMatchObject({
      credential: 'after the reconnect',
      connectionId: first.connectionId,
    });
    await testing.delete(ref);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'connection_not_found' });
    expect(testing.events().map(({ type }) => type)).toEqual([
      'connection.created',
      'connection.needs_reconnect',
      'connection.recovered',
      'connection.deleted',
    ]);
  });

  it('leaves a living token alone where only its grant has ended', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { expiresInSeconds: 600 });
    const { credential } = await authpipe.getCredential(ref);
    await testing.needsReconnect(ref, 'refresh_token_expired');
    expect(await authpipe.getCredential(ref)).toMatchObject({ credential, status: 'needs_reconnect' });
    await testing.advance(600);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ reason: 'refresh_token_expired' });
  });

  it('lets a token end in five seconds, and the next one take its place', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    const first = await authpipe.getCredential(ref);
    await testing.expiresIn(ref, 5);
    const ending = await authpipe.getCredential(ref);
    expect(ending.credential).toBe(first.credential);
    expect(Date.parse(ending.expiresAt ?? '') - testing.now()).toBe(5_000);
    expect((await authpipe.getCredential(ref, { minValidity: 600 })).credential).not.toBe(first.credential);

    await testing.expiresIn(ref, 5);
    const before = await authpipe.getCredential(ref);
    await testing.advance(5);
    expect((await authpipe.getCredential(ref)).credential).not.toBe(before.credential);
  });

  it('signs a webhook of an event that says what its type says, though nothing happened', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    const received = (...args: Parameters<typeof testing.event>) =>
      authpipe.verifyWebhook({
        ...testing.signWebhook(testing.event(...args)),
        secret: testing.webhookSecret,
      });
    expect(received('connection.needs_reconnect', ref)).toMatchObject({
      ...{ type: 'connection.needs_reconnect', status: 'needs_reconnect', reason: 'revoked' },
    });
    expect(received('connection.needs_reconnect', ref, 'user_deactivated').reason).toBe('user_deactivated');
    expect(received('connection.degraded', ref)).toMatchObject({
      status: 'degraded',
      reason: 'provider_down',
    });
    expect(received('credential.refreshed', ref)).toMatchObject({ status: 'healthy', reason: null });
    await testing.degrade(ref, 'configuration');
    expect(received('connection.degraded', ref).reason).toBe('configuration');
    expect(received('connection.recovered', ref)).toMatchObject({ status: 'healthy', reason: null });
  });

  it('holds a webhook secret that is sent to nobody', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { kind: 'webhook_secret', credential: 'a-webhook-secret' });
    expect(await authpipe.getCredential(ref)).toMatchObject({ tokenType: 'N_A', headers: {} });
  });

  it('lets a token end that nobody has read since the event before', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    await authpipe.getCredential(ref);
    await testing.refresh(ref);
    await testing.expiresIn(ref, 5);
    const { expiresAt } = await authpipe.getCredential(ref);
    expect(Date.parse(expiresAt ?? '') - testing.now()).toBe(5_000);
    expect(testing.events().map(({ type }) => type)).toEqual([
      'connection.created',
      'credential.refreshed',
      'credential.refreshed',
    ]);
  });

  it.each(['degrade first', 'degrade last'])(
    'ends a token for good at a provider in trouble: %s',
    async (order) => {
      const { authpipe, testing } = start();
      await testing.connect(ref);
      const { credential } = await authpipe.getCredential(ref);
      if (order === 'degrade first') await testing.degrade(ref);
      await testing.expiresIn(ref, 5);
      if (order === 'degrade last') await testing.degrade(ref);
      expect(await authpipe.getCredential(ref)).toMatchObject({ credential, status: 'degraded' });
      await testing.advance(5);
      await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'provider_unavailable' });
    },
  );

  it('keeps a token in the cache that was read, so that it is served while the server is away', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    const { credential } = await authpipe.getCredential(ref);
    await testing.expiresIn(ref, 5);
    await testing.outage(true);
    expect(await authpipe.getCredential(ref)).toMatchObject({ credential });
    await testing.advance(5);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'server_unreachable' });
  });

  it('serves a token of a provider in trouble to its end, then refuses, then recovers', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { expiresInSeconds: 60 });
    const { credential } = await authpipe.getCredential(ref);
    await testing.degrade(ref);
    await testing.advance(59);
    expect(await authpipe.getCredential(ref)).toMatchObject({ credential, status: 'degraded' });
    await testing.advance(1);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'provider_unavailable' });
    await testing.recover(ref);
    expect(await authpipe.getCredential(ref)).not.toMatchObject({ credential });
  });

  it('renews credentials as time passes, and pushes them to the client', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { expiresInSeconds: 3_600 });
    const seen = new Set<string>();
    for (let hour = 0; hour < 48; hour += 1) {
      seen.add((await authpipe.getCredential(ref)).credential);
      await testing.advance(3_600);
    }
    expect(seen.size).toBe(48);
    expect(authpipe.freshness).toBe('stream');
  });

  it('is learned by a client without a stream as its cache grows old', async () => {
    const { authpipe, testing } = start({ stream: false, maxAgeSeconds: 60 });
    await testing.connect(ref);
    await authpipe.getCredential(ref);
    await testing.needsReconnect(ref);
    await authpipe.getCredential(ref);
    await testing.advance(60);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'needs_reconnect' });
  });

  it('reaches every client of the server', async () => {
    const { authpipe, testing } = start();
    const other = new Authpipe(testing.options);
    await testing.connect(ref);
    await Promise.all([authpipe.getCredential(ref), other.getCredential(ref)]);
    await testing.refresh(ref, { credential: 'new' });
    expect(authpipe.getCredentialSync(ref)?.credential).toBe('new');
    expect(other.getCredentialSync(ref)?.credential).toBe('new');
    other.close();
  });
});

describe('an outage of the server', () => {
  it('is bridged by the cache to the end of the credential, and over without a restart', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref, { expiresInSeconds: 600 });
    const { credential } = await authpipe.getCredential(ref);
    await testing.outage(true);
    for (let minute = 0; minute < 9; minute += 1) {
      await testing.advance(60);
      expect((await authpipe.getCredential(ref)).credential).toBe(credential);
      await testing.settled();
    }
    await testing.advance(60);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({
      code: 'server_unreachable',
      retryable: true,
    });
    await testing.outage(false);
    await testing.advance(30);
    expect((await authpipe.getCredential(ref)).credential).not.toBe(credential);
    await testing.needsReconnect(ref);
    await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'needs_reconnect' });
  });

  it('hides no change: the stream is resumed where it broke off', async () => {
    const { authpipe, testing } = start();
    await testing.connect(ref);
    await authpipe.getCredential(ref);
    await testing.outage(true);
    await testing.needsReconnect(ref);
    expect(authpipe.getCredentialSync(ref)).toBeDefined();
    await testing.outage(false);
    await testing.advance(30);
    expect(authpipe.getCredentialSync(ref)).toBeUndefined();
  });
});
