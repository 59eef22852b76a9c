import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { startAudit } from './support/audit-world.js';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  newSession,
  pressButton,
  startConnectWorld,
  walkThrough,
} from './support/connect-world.js';
import { testClock } from './support/world.js';

describe('the audit of people who connect', () => {
  let world: ConnectWorld;
  beforeEach(async () => {
    world = await startConnectWorld();
    await world.setUp();
  });
  afterEach(() => world.close());

  const entries = async () => {
    const audit = await startAudit(world.db, testClock());
    await audit.chainEntries();
    const { data } = await audit.list('test', { tenantId: 'org_acme' }, { cursor: null, limit: 100 });
    return data.reverse().filter(({ action }) => action !== 'session.created');
  };
  const person = ({ id }: { id: string }) => ({
    ...{ type: 'person', sessionId: id, tenantId: 'org_acme', owner: 'user', userId: 'user_123' },
  });
  const where = { ip: expect.stringMatching(/127\.0\.0\.1|::1/), instance: null };

  it('names them with their session and their browser’s address, once', async () => {
    const first = await newSession(world);
    await walkThrough(world, first);
    const second = await newSession(world);
    await walkThrough(world, second);
    expect(await entries()).toMatchObject([
      {
        action: 'connection.created',
        who: person(first),
        where,
        result: 'ok',
        details: { verifiedBy: 'token_exchange' },
      },
      {
        action: 'connection.reconnected',
        who: person(second),
        where,
        details: { version: 2, status: 'healthy' },
      },
    ]);
    // One door: the log has a line of each, too.
    expect(world.logLines.filter((line) => line.includes('"audit":"connect.completed"'))).toHaveLength(2);
  });

  it('says why an attempt failed', async () => {
    const declined = await newSession(world);
    await walkThrough(world, declined, { decision: 'cancel' });
    const cancelled = await newSession(world);
    const page = await pressButton(world, createBrowser(), cancelled);
    await page.submit({ button: 'Cancel' });
    expect(await entries()).toMatchObject([
      {
        action: 'connect.failed',
        who: person(declined),
        where,
        result: 'access_denied',
        connectionId: null,
        details: { integration: 'okta' },
      },
      { action: 'connect.failed', who: person(cancelled), where, result: 'cancelled' },
    ]);
  });

  it('tells what a person gave from what the app’s backend took', async () => {
    const verifier = 'v'.repeat(43);
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
    const session = await newSession(world, { codeChallenge });
    await walkThrough(world, session);
    await world.connect.finishSession('test', session.id, verifier, null);
    expect(await entries()).toMatchObject([
      { action: 'connect.held', who: person(session), where, result: 'ok' },
      // The one who finishes it: in a server, an API key.
      { action: 'connection.created', who: { type: 'server' } },
    ]);
  });

  it('names who disconnects in a settings page', async () => {
    const made = await newSession(world);
    await walkThrough(world, made);
    const session = await newSession(world, { permissions: ['connect', 'list', 'disconnect'] });
    const [connection] = await world.ownerConnections.listOwned(
      (await world.connect.readByToken(session.token)).session,
    );
    const answer = await request(world.publicUrl)
      .delete(`/connect/connections/${connection?.id}`)
      .set({ authorization: `Bearer ${session.token}`, origin: APP_ORIGIN });
    expect(answer.status).toBe(200);
    expect((await entries()).at(-1)).toMatchObject({
      ...{ action: 'connection.deleted', connectionId: connection?.id, who: person(session), where },
      details: { revokedAtProvider: true },
    });
  });

  it('follows a set-up’s link: who made it, who opened it, what was tried, and whose app it is', async () => {
    const place = { environment: 'test', tenantId: 'org_acme', integrationId: 'okta', provider: 'okta' };
    const config = { domain: world.domain };
    const { id, url } = await world.connect.setups.createLink({ ...place, config });
    const opened = await (await createBrowser().open(url)).submit({ button: 'Continue' });
    const guide = await opened.submit({ button: 'Continue' });
    const fields = { 'credential.clientId': 'no-such-app' };
    await guide.submit({ fields, button: 'Try it and save' });

    const administrator = { type: 'administrator', setupId: id, tenantId: 'org_acme' };
    const details = { setupId: id, integration: 'okta', provider: 'okta', settings: ['domain'] };
    expect(await entries()).toMatchObject([
      // In a server, an API key.
      { action: 'setup.link_made', who: { type: 'server' }, details },
      { action: 'setup.opened', who: administrator, where, result: 'ok', details },
      { action: 'setup.tried', who: administrator, where, result: 'not_saved', details },
    ]);
    expect(JSON.stringify(await entries())).not.toContain(new URL(url).searchParams.get('code'));
  });
});
