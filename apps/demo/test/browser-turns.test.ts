import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { connectButton, openApp, pressConnect, showsStatus, signInAtOrg } from './support/browser-person.js';
import { startChromium, type TappedBrowser } from './support/chromium.js';
import { ADA, eventually, newSession } from './support/connecting.js';
import { describeInChromium } from './support/describe-in-chromium.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';
import { takeScreenshots } from './support/screenshots.js';

/** The button takes a closed popup for a cancel after thirty looks, a second apart: tests make the page's time run. */
const CANCEL_LOOKS = 40;

describeInChromium('Connecting takes another turn', () => {
  let demo: RunningDemo;
  let browser: TappedBrowser;
  let context: BrowserContext;
  /** What the app's page says of windows that it opens. */
  let openerPolicy = 'same-origin-allow-popups';

  beforeAll(async () => {
    demo = await startDemo({ ownHosts: true });
    browser = await startChromium({
      addHeaders: ({ origin }) =>
        origin === demo.appUrl ? { 'cross-origin-opener-policy': openerPolicy } : {},
    });
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });
  beforeEach(async () => {
    openerPolicy = 'same-origin-allow-popups';
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    for await (const { id } of demo.authpipe.listConnections({})) await demo.authpipe.deleteConnection(id);
  });

  /** Has the button pressed by a script, once: Chromium blocks the popup, since no person clicked. */
  const openWithoutClick = async (): Promise<Page> => {
    const app = await context.newPage();
    await app.addInitScript(() => {
      if (sessionStorage.getItem('pressed')) return;
      const timer = setInterval(() => {
        const button = document.querySelector<HTMLElement>('[data-authpipe-button="idle"]');
        if (!button) return;
        clearInterval(timer);
        sessionStorage.setItem('pressed', 'yes');
        button.click();
      }, 50);
    });
    await app.goto(demo.appUrl);
    // By its address alone: every other way of waiting counts as a person's touch to Chromium.
    await app.waitForURL(`${demo.authpipeUrl}/connect/**`);
    return app;
  };

  const stateOf = (app: Page) => connectButton(app).getAttribute('data-authpipe-button');
  const becomes = (app: Page, state: string) => app.locator(`[data-authpipe-button="${state}"]`).waitFor();
  const message = (app: Page) => app.locator('[data-authpipe-message]').textContent();

  test('Cancel in the popup closes it and leaves the button as it was', async () => {
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    expect(await stateOf(app)).toBe('connecting');
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'Cancel' }).click();
    await closed;
    await becomes(app, 'idle');
    expect(await message(app)).toBe('');
  });

  test('access declined at the org closes the popup, and the button says so', async () => {
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    await signInAtOrg(popup, ADA);
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'Cancel' }).click();
    await closed;
    await becomes(app, 'error');
    expect(await message(app)).not.toBe('');
    await showsStatus(app, 'Not connected');
  });

  test('a popup that is closed early is noticed, opens again at a click, and counts as cancelled in the end', async () => {
    const app = await context.newPage();
    await app.clock.install();
    await app.goto(demo.appUrl);
    await app.getByTestId('status').waitFor();
    const popup = await pressConnect(app);
    await popup.close();
    await app.clock.runFor(1_500);
    await app.locator('[data-authpipe-button="connecting"]').filter({ hasNotText: 'Connecting' }).waitFor();
    const again = await pressConnect(app);
    await again.close();
    await app.bringToFront();
    for (let looks = 0; looks < CANCEL_LOOKS && (await stateOf(app)) === 'connecting'; looks += 1) {
      const looked = app.waitForResponse((answer) => answer.url().endsWith('/connect/session'));
      await app.clock.runFor(1_000);
      await looked.catch(() => null);
    }
    await becomes(app, 'idle');
  });

  test('where popups are blocked the same window goes there, and comes back connected', async () => {
    const app = await openWithoutClick();
    await app.getByRole('button', { name: 'Continue' }).waitFor();
    await signInAtOrg(app, ADA);
    await app.getByRole('button', { name: 'Allow access' }).click();
    await showsStatus(app, 'Healthy');
    await becomes(app, 'connected');
    expect(app.url()).toBe(`${demo.appUrl}/`);
    expect(context.pages()).toHaveLength(1);
  });

  test('in the redirect flow Cancel leads back to the app, which shows nothing wrong', async () => {
    const app = await openWithoutClick();
    await app.getByRole('button', { name: 'Cancel' }).click();
    await showsStatus(app, 'Not connected');
    await becomes(app, 'idle');
    expect(app.url()).toBe(`${demo.appUrl}/`);
  });

  test('an app that is severed from its popups learns of the connection by asking', async () => {
    openerPolicy = 'same-origin';
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    expect(await popup.evaluate(() => window.opener)).toBeNull();
    await signInAtOrg(popup, ADA);
    expect(await stateOf(app)).toBe('connecting');
    await popup.getByRole('button', { name: 'Allow access' }).click();
    await becomes(app, 'connected');
    await showsStatus(app, 'Healthy');
  });

  test('without JavaScript a mailed link leads to a connection, and its pages say so', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const session = await newSession(demo, { returnUrl: `${demo.appUrl}/` });
    const page = await plain.newPage();
    await page.goto(session.url);
    await takeScreenshots(page, 'connect-link');
    await page.getByRole('button', { name: 'Continue' }).click();
    await signInAtOrg(page, ADA);
    await page.getByRole('button', { name: 'Allow access' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    await takeScreenshots(page, 'connect-done');
    expect(await page.getByRole('link', { name: 'Back to' }).getAttribute('href')).toContain(demo.appUrl);
    await plain.close();
    const { status } = await eventually(
      async () => {
        const state = await demo.authpipe.getConnectSession(session.id);
        return state.status === 'pending' ? null : state;
      },
      { seconds: 5 },
    );
    expect(status).toBe('complete');
  });

  test('a form that another site posts with a stolen token opens nothing', async () => {
    const { token, id } = await newSession(demo);
    const page = await context.newPage();
    const thief = demo.appUrl.replace('app.localhost', 'thief.localhost');
    await context.route(`${thief}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }));
    await page.goto(`${thief}/`);
    await page.evaluate(
      ({ action, token }) => {
        document.body.innerHTML = `<form method="post" action="${action}"><input name="token" value="${token}"></form>`;
        document.querySelector('form')?.submit();
      },
      { action: `${demo.authpipeUrl}/connect`, token },
    );
    await page.getByRole('heading', { name: 'This page may not connect accounts' }).waitFor();
    expect((await demo.authpipe.getConnectSession(id)).status).toBe('pending');
  });
});
