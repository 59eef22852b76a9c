import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import {
  connectButton,
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
import { type RunningDemo, startDemo } from './support/running-demo.js';
import { takeScreenshots } from './support/screenshots.js';
import { findSecrets, type Place, type Secret } from './support/secret-search.js';

describeInChromium('The main job by hand', () => {
  let demo: RunningDemo;
  let browser: TappedBrowser;
  let context: BrowserContext;
  let app: Page;
  const seen: Place[] = [];
  const sockets: string[] = [];
  /** Hosts that pages asked for anything; Chromium itself asks others, which the proxy does not let through. */
  const hosts = new Set<string>();
  let loads = 0;

  const look = async (page: Page) => void seen.push(...(await lookInto(page)));

  beforeAll(async () => {
    demo = await startDemo({ ownHosts: true, probeIntervalSeconds: 2 });
    browser = await startChromium();
    context = await browser.newContext();
    context.on('request', (request) => hosts.add(new URL(request.url()).host));
    context.on('page', (page) => {
      page.on('websocket', (socket) => sockets.push(socket.url()));
      page.on('console', (message) => seen.push({ name: 'the console', text: message.text() }));
    });
    app = await openApp(context, demo.appUrl);
    app.on('load', () => {
      loads += 1;
    });
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  const connectByHand = async (shots?: string) => {
    const popup = await pressConnect(app);
    await look(popup);
    if (shots) await takeScreenshots(popup, `${shots}-page`);
    await signInAtOrg(popup, ADA);
    await look(popup);
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'Allow access' }).click();
    await closed;
    await showsStatus(app, 'Healthy');
  };

  test('button, popup, sign-in and consent lead to a connected app, without a reload', async () => {
    await takeScreenshots(app, 'sample-app-disconnected');
    await look(app);
    await connectByHand('connect');
    expect(loads).toBe(0);
    expect(await connectButton(app).textContent()).toContain('connected');
    await app.getByText('Ada Lovelace').first().waitFor();
    await look(app);
  });

  test('the app shows the people of the org, read by its backend with the credential', async () => {
    const people = app.getByRole('region', { name: 'People' });
    await people.getByText('grace@acme.test').waitFor();
    expect(await people.getByRole('listitem').count()).toBe(10);
    await takeScreenshots(app, 'sample-app');
  });

  test('a grant that is revoked at the org shows as needs reconnect by itself', async () => {
    demo.org.control.revokeGrants({ user: ADA });
    await showsStatus(app, 'Needs reconnect');
    expect(await connectButton(app).textContent()).toContain('Reconnect');
    await look(app);
    await takeScreenshots(app, 'sample-app-needs-reconnect');
    expect(loads).toBe(0);
  });

  test('the same button mends the same connection', async () => {
    const before = await connectionIds();
    await connectByHand();
    expect(await connectionIds()).toEqual(before);
    await look(app);
  });

  test('Disconnect revokes at the org and leaves the app as it was', async () => {
    await app.getByRole('button', { name: 'Disconnect' }).click();
    await showsStatus(app, 'Not connected');
    expect(await connectionIds()).toEqual([]);
    expect(demo.org.control.listGrants()).toEqual([]);
    await look(app);
  });

  test('the browser was never given a token: not in its traffic, its storage or its pages', async () => {
    const secrets: Secret[] = [
      ...tokensOf(demo.orgTraffic.exchanges),
      { name: 'client secret', value: demo.clientSecret },
      { name: 'API key', value: demo.settings.apiKey },
    ];
    expect(secrets.filter(({ name }) => name.startsWith('access_token')).length).toBeGreaterThanOrEqual(2);
    expect(secrets.filter(({ name }) => name.startsWith('refresh_token')).length).toBeGreaterThanOrEqual(2);

    const traffic = browser.traffic.exchanges.map(
      (exchange, index): Place => ({
        name: `exchange ${index + 1}: ${exchange.method} ${exchange.url}`,
        text: [
          exchange.url,
          JSON.stringify(exchange.requestHeaders),
          exchange.requestBody,
          JSON.stringify(exchange.answerHeaders),
          exchange.answerBody,
        ].join('\n'),
      }),
    );
    const places = [...traffic, ...seen, await lookIntoProfile(context)];
    // What does pass through a browser is found, so that the search is known to work.
    const code = new URL(
      traffic.find(({ name }) => name.includes('/connect/callback?'))?.text.split('\n')[0] ?? '',
    ).searchParams.get('code');
    expect(findSecrets([{ name: 'code', value: code ?? '' }], places)).not.toEqual([]);
    expect([...hosts].sort()).toEqual(
      [demo.appUrl, demo.authpipeUrl, demo.org.url].map((url) => new URL(url).host).sort(),
    );
    expect(findSecrets(secrets, places)).toEqual([]);
    expect(sockets).toEqual([]);
  });

  const connectionIds = async () => {
    const ids: string[] = [];
    for await (const { id } of demo.authpipe.listConnections({})) ids.push(id);
    return ids;
  };
});
