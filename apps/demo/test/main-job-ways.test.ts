import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser } from '../src/walk/index.js';
import {
  ADA,
  connect,
  eventually,
  GRACE,
  newSession,
  openByButton,
  signInAndAllow,
} from './support/connecting.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

const REF = { provider: 'okta', tenantId: 'org_acme' } as const;

describe('Other ways through connecting', () => {
  let demo: RunningDemo;

  beforeAll(async () => {
    demo = await startDemo({ probeIntervalSeconds: 2 });
  });
  afterAll(() => demo?.close());

  test('a mailed link connects whom it was sent to: opening it uses nothing up, the click does, once', async () => {
    const session = await newSession(demo, { userId: 'user_link' });
    // A mail scanner opens links too.
    expect((await createBrowser().open(session.url)).status).toBe(200);
    const browser = createBrowser();
    const link = await browser.open(session.url);
    const hosted = await link.submit({ button: 'Continue' });
    expect(hosted.status).toBe(200);
    expect(hosted.url.search).toBe('');

    const second = await link.submit({ button: 'Continue' });
    expect(second.status).toBe(410);
    expect(second.text).toContain('This link was used before');
    expect((await createBrowser().open(session.url)).status).toBe(410);

    expect((await signInAndAllow(hosted)).text).toContain('Connected');
    expect((await demo.authpipe.getConnectSession(session.id)).status).toBe('complete');
    const { account } = await demo.authpipe.getCredential({ ...REF, userId: 'user_link' });
    expect(account?.email).toBe(ADA);
  });

  test('a link can’t be used from a page of another site', async () => {
    const session = await newSession(demo, { userId: 'user_foreign_link' });
    const code = new URL(session.url).searchParams.get('code') ?? '';
    const refused = await createBrowser().post(
      `${demo.authpipeUrl}/connect/open`,
      { code },
      { origin: 'https://evil.example' },
    );
    expect(refused.status).toBe(403);
    const link = await createBrowser().open(session.url);
    expect((await link.submit({ button: 'Continue' })).status).toBe(200);
  });

  test('with a code challenge nothing is connected until the backend that began it proves itself', async () => {
    const codeVerifier = randomBytes(32).toString('base64url');
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const ref = { ...REF, userId: 'user_challenge' };
    const session = await newSession(demo, { userId: ref.userId, codeChallenge });
    const done = await signInAndAllow(await openByButton(demo, createBrowser(), session.token));
    expect(done.text).toContain('Almost done');
    expect(await demo.authpipe.getConnectSession(session.id)).toMatchObject({ status: 'awaiting_finish' });
    await expect(demo.authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'connection_not_found' });

    const wrong = randomBytes(32).toString('base64url');
    await expect(demo.authpipe.finishConnectSession(session.id, wrong)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(demo.authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'connection_not_found' });
    const finished = await demo.authpipe.finishConnectSession(session.id, codeVerifier);
    expect(finished).toMatchObject({ status: 'complete', connection: { account: { email: ADA } } });
    expect((await demo.authpipe.getCredential(ref)).connectionId).toBe(finished.connection?.id);
  });

  test('another person’s account does not take over a connection at its reconnect, and loses its new grant', async () => {
    const userId = 'user_mismatch';
    const connectionId = await connect(demo, ADA, { userId });
    const before = await demo.authpipe.getCredential({ connectionId });
    const grants = demo.org.control.listGrants().length;
    const session = await newSession(demo, { userId, connectionId });
    const done = await signInAndAllow(await openByButton(demo, createBrowser(), session.token), GRACE);
    expect(done.text).toContain('Another account signed in');
    expect(await demo.authpipe.getConnectSession(session.id)).toMatchObject({
      status: 'failed',
      error: { code: 'account_mismatch' },
    });
    expect(await demo.authpipe.getConnection(connectionId)).toMatchObject({
      account: { email: ADA },
      version: before.version,
    });
    expect(demo.org.control.listGrants()).toHaveLength(grants);
  });

  test('a user who is deactivated at the org turns up as needs_reconnect with a reason, and reconnects later', async () => {
    const userId = 'user_gone';
    const ref = { ...REF, userId };
    const connectionId = await connect(demo, GRACE, { userId });
    demo.org.control.deactivateUser(GRACE);
    const ended = await eventually(
      async () => {
        const connection = await demo.authpipe.getConnection(connectionId);
        return connection.status === 'needs_reconnect' ? connection : null;
      },
      { seconds: 30 },
    );
    // Okta’s answer is the same for a revoked grant and for a deactivated user.
    expect(ended.reason).toBe('revoked');
    await expect(demo.authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'needs_reconnect' });

    demo.org.control.reactivateUser(GRACE);
    expect(await connect(demo, GRACE, { userId, connectionId })).toBe(connectionId);
    const { status, credential, baseUrl } = await demo.authpipe.getCredential(ref);
    expect(status).toBe('healthy');
    const answer = await fetch(`${baseUrl}/api/v1/users/me`, {
      headers: { Authorization: `Bearer ${credential}` },
    });
    expect(answer.status).toBe(200);
  });
});
