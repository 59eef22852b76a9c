import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, type Page } from '../src/walk/index.js';
import { beginConnect, newSession, openByButton, signIn, signInAndAllow } from './support/connecting.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

/** Longer than any session's half hour. */
const HOUR_SECONDS = 3600;

describe('Connecting that does not end in a connection', () => {
  let demo: RunningDemo;

  beforeAll(async () => {
    demo = await startDemo();
  });
  afterAll(() => demo?.close());

  const outcomeOf = async (sessionId: string) => {
    const { status, error, connection } = await demo.authpipe.getConnectSession(sessionId);
    return { status, code: error?.code, connection };
  };

  const nothingConnected = async () => {
    const found = [];
    for await (const connection of demo.authpipe.listConnections({})) found.push(connection);
    return found.length === 0;
  };

  /** What the page tells the window that opened it. */
  const messageOf = (page: Page) => {
    const main = page.root.querySelector('[data-connect-message]');
    const text = main?.getAttribute('data-connect-message')?.replaceAll('&quot;', '"');
    return { origin: main?.getAttribute('data-opener-origin'), message: JSON.parse(text ?? 'null') };
  };

  test('access declined at the org is told on the page, to the app’s page and to its backend', async () => {
    const { session, hosted } = await beginConnect(demo);
    const consent = await signIn(hosted);
    const done = await consent.submit({ button: 'Cancel' });
    expect(done.text).toContain('Access was declined');
    expect(messageOf(done)).toMatchObject({
      origin: demo.appUrl,
      message: { type: 'authpipe:connect', session: { status: 'failed', error: { code: 'access_denied' } } },
    });
    expect(await outcomeOf(session.id)).toMatchObject({ status: 'failed', code: 'access_denied' });
    expect(await nothingConnected()).toBe(true);
  });

  test('Cancel on the hosted page ends the session before anybody goes to the org', async () => {
    const before = demo.org.control.counters().authorizeRequests;
    const { session, hosted } = await beginConnect(demo);
    const done = await hosted.submit({ button: 'Cancel' });
    expect(done.text).toContain('You cancelled');
    expect(await outcomeOf(session.id)).toMatchObject({ status: 'failed', code: 'cancelled' });
    expect(demo.org.control.counters().authorizeRequests).toBe(before);
  });

  test('a callback that comes a second time changes nothing and says so', async () => {
    const { session, browser, hosted } = await beginConnect(demo);
    const consent = await signIn(hosted);
    await consent.submit({ button: 'Cancel' });
    const callback = browser.visited.find((url) => url.includes('/connect/callback'));
    const exchanges = demo.org.control.counters().codeExchanges;
    const again = await browser.open(callback ?? '');
    expect(again.status).toBe(409);
    expect(again.text).toContain('This sign-in was used before');
    expect(demo.org.control.counters().codeExchanges).toBe(exchanges);
    expect(await outcomeOf(session.id)).toMatchObject({ status: 'failed', code: 'access_denied' });
  });

  test('a code is exchanged once, however often its callback is opened', async () => {
    const { session, browser, hosted } = await beginConnect(demo);
    const done = await signInAndAllow(hosted);
    expect(done.text).toContain('Connected');
    const exchanges = demo.org.control.counters().codeExchanges;
    const callback = browser.visited.find((url) => url.includes('/connect/callback'));
    expect((await browser.open(callback ?? '')).status).toBe(409);
    expect(demo.org.control.counters().codeExchanges).toBe(exchanges);
    const { status, connection } = await outcomeOf(session.id);
    expect(status).toBe('complete');
    await demo.authpipe.deleteConnection(connection?.id ?? '');
  });

  test('a callback that is opened in another browser is refused there, and still good in the right one', async () => {
    const stopping = createBrowser({ stopAt: ({ pathname }) => pathname === '/connect/callback' });
    const session = await newSession(demo);
    const hosted = await openByButton(demo, stopping, session.token);
    const callback = await signInAndAllow(hosted);
    const stranger = await createBrowser().open(callback.url);
    expect(stranger.status).toBe(403);
    expect(stranger.text).toContain('another browser');
    expect(await outcomeOf(session.id)).toMatchObject({ status: 'pending', code: undefined });
    expect(await nothingConnected()).toBe(true);
  });

  test('a page of an origin that the session does not name can’t use its token', async () => {
    const session = await newSession(demo);
    const browser = createBrowser();
    const refused = await openByButton(demo, browser, session.token, { origin: 'https://evil.example' });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('This page may not connect accounts');
    const hidden = await openByButton(demo, browser, session.token, { origin: 'null' });
    expect(hidden.status).toBe(403);
    const look = await fetch(`${demo.server.url}/connect/session`, {
      headers: { Authorization: `Bearer ${session.token}`, Origin: 'https://evil.example' },
    });
    expect(look.status).toBe(403);
    expect(look.headers.get('access-control-allow-origin')).toBeNull();
    expect((await openByButton(demo, browser, session.token)).status).toBe(200);
  });

  test('a session whose time is over says so on its page, to the button and to the backend', async () => {
    const { session, browser, hosted } = await beginConnect(demo);
    const consent = await signIn((await beginConnect(demo)).hosted);
    await demo.server.moveClock(HOUR_SECONDS);
    const refused = await hosted.submit({ button: 'Continue' });
    expect(refused.status).toBe(410);
    expect(refused.text).toContain('This took too long');
    const late = await consent.submit({ button: 'Allow access' });
    expect(late.status).toBe(410);
    expect(await outcomeOf(session.id)).toMatchObject({ status: 'expired', code: 'session_expired' });
    const reopened = await openByButton(demo, browser, session.token);
    expect(reopened.status).toBe(410);
    const look = await fetch(`${demo.server.url}/connect/session`, {
      headers: { Authorization: `Bearer ${session.token}`, Origin: demo.appUrl },
    });
    expect(await look.json()).toMatchObject({ status: 'expired', error: { code: 'session_expired' } });
    expect(await nothingConnected()).toBe(true);
  });
});
