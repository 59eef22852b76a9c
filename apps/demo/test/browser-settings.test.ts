import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import {
  lookInto,
  lookIntoProfile,
  openApp,
  pressConnect,
  showsStatus,
  signInAtOrg,
} from './support/browser-person.js';
import { startChromium, type TappedBrowser } from './support/chromium.js';
import { ADA } from './support/connecting.js';
import { describeInChromium } from './support/describe-in-chromium.js';
import { tokensOf } from './support/org-secrets.js';
import { pageFindings } from './support/page-findings.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';
import { takeScreenshots } from './support/screenshots.js';
import { findSecrets, type Place } from './support/secret-search.js';

describeInChromium('The settings page', () => {
  let demo: RunningDemo;
  let browser: TappedBrowser;
  let context: BrowserContext;
  let app: Page;
  const seen: Place[] = [];

  beforeAll(async () => {
    demo = await startDemo({ ownHosts: true, probeIntervalSeconds: 2 });
    browser = await startChromium();
    context = await browser.newContext();
    app = await openApp(context, demo.appUrl);
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  const finishIn = async (popup: Page) => {
    await signInAtOrg(popup, ADA);
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'Allow access' }).click();
    await closed;
  };
  const row = () => app.getByRole('listitem', { name: 'Okta' });
  const rowShows = (text: string) => row().filter({ hasText: text }).waitFor();
  const focused = () => app.evaluate<string>('document.activeElement.textContent');
  /** As it is, in both colour schemes and on a phone: nothing for axe, nothing beyond the edge, nothing secret. */
  const look = async (shots: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await app.emulateMedia({ colorScheme });
      expect(await pageFindings(app)).toEqual([]);
    }
    await app.setViewportSize({ width: 320, height: 800 });
    expect(await app.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
    await takeScreenshots(app, shots);
    await app.setViewportSize({ width: 1280, height: 900 });
    seen.push(...(await lookInto(app)));
  };
  const connectionIds = async () => {
    const ids: string[] = [];
    for await (const { id } of demo.authpipe.listConnections({})) ids.push(id);
    return ids;
  };

  test('without a connection has a button to connect', async () => {
    await app.getByRole('link', { name: 'Settings' }).click();
    await app.getByText('Nothing is connected yet.').waitFor();
    await look('settings-empty');
    await finishIn(await pressConnect(app));
    await rowShows('Working');
  });

  test('lists what the person connected, whichever page it was connected on', async () => {
    await rowShows('ada@acme.test');
    expect(await app.getByRole('listitem').count()).toBe(1);
    await look('settings');
    await app.getByRole('link', { name: 'Integrations' }).click();
    await showsStatus(app, 'Healthy');
    await app.getByRole('link', { name: 'Settings' }).click();
    await rowShows('Working');
  });

  test('shows a grant that was revoked at the org by itself, and mends the same connection', async () => {
    const before = await connectionIds();
    demo.org.control.revokeGrants({ user: ADA });
    await rowShows('Needs to be reconnected. Access was withdrawn.');
    await app.getByText('1 needs you').waitFor();
    await look('settings-needs-reconnect');
    await finishIn(await pressConnect(app));
    await rowShows('Working');
    expect(await connectionIds()).toEqual(before);
    expect(await focused()).toContain('Working');
  });

  test('asks before it disconnects, by the keyboard too, and revokes at the org', async () => {
    await app.getByRole('button', { name: 'Disconnect Okta' }).focus();
    await app.keyboard.press('Enter');
    await app.getByText('Disconnect Okta? Access ends at once.').waitFor();
    expect(await focused()).toBe('Keep');
    await look('settings-disconnect');
    await app.keyboard.press('Escape');
    expect(await focused()).toBe('Disconnect');
    await app.keyboard.press('Enter');
    await app.keyboard.press('Shift+Tab');
    await app.keyboard.press('Enter');
    await app.getByText('Nothing is connected yet.').waitFor();
    expect(await connectionIds()).toEqual([]);
    expect(demo.org.control.listGrants()).toEqual([]);
    expect(await app.getByRole('status').filter({ hasText: 'Okta is disconnected.' }).count()).toBe(1);
  });

  test('the list’s session can’t connect: a leaked one opens no popup', async () => {
    const token = await app.evaluate<string>(`fetch('/api/connect-session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ permissions: ['list', 'disconnect', 'connect'], userId: 'another' }),
    }).then((response) => response.json()).then(({ token }) => token)`);
    const response = await fetch(`${demo.server.url}/connect`, {
      method: 'POST',
      headers: { Origin: demo.appUrl },
      body: new URLSearchParams({ token, integration: 'okta', display: 'popup' }),
      redirect: 'manual',
    });
    expect([response.status, await response.text()]).toEqual([409, expect.not.stringContaining('Continue')]);
  });

  test('the browser was never given a token of the org', async () => {
    const traffic = browser.traffic.exchanges.map(
      (exchange): Place => ({
        name: `${exchange.method} ${exchange.url}`,
        text: JSON.stringify(exchange),
      }),
    );
    expect(traffic.some(({ name }) => name.endsWith('/connect/connections'))).toBe(true);
    const secrets = [
      ...tokensOf(demo.orgTraffic.exchanges),
      { name: 'client secret', value: demo.clientSecret },
      { name: 'API key', value: demo.settings.apiKey },
    ];
    expect(secrets.length).toBeGreaterThan(4);
    expect(findSecrets(secrets, [...traffic, ...seen, await lookIntoProfile(context)])).toEqual([]);
  });
});
