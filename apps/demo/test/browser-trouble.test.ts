import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type BrowserContext, devices, type Page } from 'playwright-core';
import { connectButton, openApp, pressConnect, showsStatus, signInAtOrg } from './support/browser-person.js';
import { startChromium, type TappedBrowser } from './support/chromium.js';
import { ADA } from './support/connecting.js';
import { describeInChromium } from './support/describe-in-chromium.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

describeInChromium('Connecting gets through', () => {
  let demo: RunningDemo;
  let browser: TappedBrowser;
  let context: BrowserContext;
  /** Who cuts itself off from windows of other sites (`Cross-Origin-Opener-Policy: same-origin`). */
  let severed: readonly ('app' | 'org')[] = [];

  beforeAll(async () => {
    demo = await startDemo({ ownHosts: true });
    browser = await startChromium({
      addHeaders: ({ origin }) => {
        const isSevered =
          (severed.includes('app') && origin === demo.appUrl) ||
          (severed.includes('org') && origin === demo.org.url);
        return isSevered ? { 'cross-origin-opener-policy': 'same-origin' } : {};
      },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });
  beforeEach(async () => {
    severed = [];
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    for await (const { id } of demo.authpipe.listConnections({})) await demo.authpipe.deleteConnection(id);
  });

  const stateOf = (app: Page) => connectButton(app).getAttribute('data-authpipe-button');
  const becomes = (app: Page, state: string) => app.locator(`[data-authpipe-button="${state}"]`).waitFor();
  const allow = (page: Page) => page.getByRole('button', { name: 'Allow access' }).click();
  const connectionCount = async () => {
    let count = 0;
    for await (const _ of demo.authpipe.listConnections({})) count += 1;
    return count;
  };

  test.each<[string, readonly ('app' | 'org')[]]>([
    ['the provider is', ['org']],
    ['the app and the provider are', ['app', 'org']],
  ])('where %s cut off from other windows', async (_who, who) => {
    severed = who;
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    await signInAtOrg(popup, ADA);
    // The provider's page has left the popup's old window behind: to the app it looks closed.
    expect(await stateOf(app)).toBe('connecting');
    await allow(popup);
    await becomes(app, 'connected');
    await showsStatus(app, 'Healthy');
  });

  test('when the network is lost in the middle, and comes back', async () => {
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    await signInAtOrg(popup, ADA);
    const lost = app.waitForEvent('requestfailed', (request) => request.url().endsWith('/connect/session'));
    await context.setOffline(true);
    await lost;
    expect(await stateOf(app)).toBe('connecting');
    await context.setOffline(false);
    await allow(popup);
    await becomes(app, 'connected');
  });

  test('when the popup is gone before it could tell: a person who finished has not cancelled', async () => {
    await context.route('**/connect/assets/complete.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: '' }),
    );
    const app = await openApp(context, demo.appUrl);
    const popup = await pressConnect(app);
    await signInAtOrg(popup, ADA);
    const states = await recordStates(app);
    const finished = popup.waitForResponse((answer) => answer.url().endsWith('/done'));
    await allow(popup);
    await finished;
    await popup.close();
    await becomes(app, 'connected');
    expect(await states()).not.toContain('idle');
  });

  test('in two tabs at once, which make one connection', async () => {
    const tabs = [await openApp(context, demo.appUrl), await openApp(context, demo.appUrl)];
    const popups: Page[] = [];
    for (const tab of tabs) {
      await tab.bringToFront();
      popups.push(await pressConnect(tab));
    }
    for (const popup of popups) await signInAtOrg(popup, ADA);
    for (const popup of popups) await allow(popup);
    for (const tab of tabs) await becomes(tab, 'connected');
    expect(await connectionCount()).toBe(1);
  });

  test('in the browser inside another app, on a phone: the click leads there in the same window', async () => {
    await context.close();
    context = await browser.newContext(devices['iPhone 14']);
    // What opens no windows answers null, without a sign that it was blocked.
    await context.addInitScript(() => {
      window.open = () => null;
    });
    const app = await openApp(context, demo.appUrl);
    await connectButton(app).tap();
    await app.waitForURL(`${demo.authpipeUrl}/connect/**`);
    await signInAtOrg(app, ADA);
    await allow(app);
    await showsStatus(app, 'Healthy');
    expect(app.url()).toBe(`${demo.appUrl}/`);
    expect(context.pages()).toHaveLength(1);
  });

  /** Every state that the button shows from now on. */
  const recordStates = async (app: Page): Promise<() => Promise<string[]>> => {
    await app.evaluate(() => {
      const seen: string[] = [];
      Object.assign(window, { seenStates: seen });
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const state = (target as Element).getAttribute('data-authpipe-button');
          if (state !== null) seen.push(state);
        }
      }).observe(document.body, { subtree: true, attributeFilter: ['data-authpipe-button'] });
    });
    return () => app.evaluate(() => Reflect.get(window, 'seenStates') as string[]);
  };
});
