import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectSessionState, CreatedConnectSession } from '@authpipe/types';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type ConnectWorld, newSession, startConnectWorld, stateOf } from './support/connect-world.js';

const CHROMIUM = process.env.AUTHPIPE_TEST_CHROMIUM || '/usr/bin/chromium';
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
if (!existsSync(CHROMIUM)) {
  process.stderr.write(
    `NOTICE: the hosted pages are not tested in a real browser: no Chromium at ${CHROMIUM}.\n`,
  );
}
const describeInChromium = existsSync(CHROMIUM) ? describe : describe.skip;

/** The app's page: opens the popup in the click, posts the token into it, and writes down what it is told. */
const APP_SCRIPT = `
  window.told = [];
  addEventListener('message', (event) => told.push({ origin: event.origin, data: event.data }));
  window.begin = (server, fields, target) => {
    const page = target === 'popup' ? window.open('', '', 'popup,width=500,height=740') : window;
    const form = page.document.createElement('form');
    form.method = 'post';
    form.action = server + '/connect';
    for (const [name, value] of Object.entries(fields)) {
      const input = page.document.createElement('input');
      input.type = 'hidden'; input.name = name; input.value = value;
      form.append(input);
    }
    page.document.body.append(form);
    form.submit();
  };
  window.look = (server, token) =>
    fetch(server + '/connect/session', { headers: { authorization: 'Bearer ' + token } }).then((answer) => answer.json());
`;

/** What the app's page was told. */
type Told = { origin: string; data: { type: string; session: ConnectSessionState } }[];

/** Calls a function of the app's script in the page. */
const call = <Result>(page: Page, name: 'begin' | 'look', ...values: unknown[]): Promise<Result> =>
  page.evaluate<Result>(`${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`);

describeInChromium('the hosted pages in Chromium', () => {
  let world: ConnectWorld;
  let browser: Browser;
  let appOrigin = '';
  let coop = 'unsafe-none';
  const app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.setHeader('cross-origin-opener-policy', coop);
    response.end(`<title>App</title><button>Connect</button><script>${APP_SCRIPT}</script>`);
  });

  beforeAll(async () => {
    world = await startConnectWorld();
    await world.setUp();
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    appOrigin = `http://app.localhost:${(app.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(' ') });
  });
  afterAll(async () => {
    await browser?.close();
    app.close();
    await world?.close();
  });

  const session = (more: Parameters<typeof newSession>[1] = {}) =>
    newSession(world, { allowedOrigins: [appOrigin], ...more });

  const openApp = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(`${appOrigin}/settings`);
    return page;
  };

  const begin = (page: Page, { token }: CreatedConnectSession, where: 'popup' | 'here' = 'popup') => {
    const display = where === 'popup' ? 'popup' : 'redirect';
    return call(page, 'begin', world.publicUrl, { token, integration: 'okta', display }, where);
  };

  const connectInPopup = async (page: Page, made: CreatedConnectSession): Promise<Page> => {
    const [popup] = await Promise.all([page.context().waitForEvent('page'), begin(page, made)]);
    await popup.getByRole('button', { name: 'Continue to Okta' }).click();
    await popup.locator('button[value="ada@acme.test"]').click();
    return popup;
  };

  it('go to the provider and back, tell the app’s page and close', async () => {
    coop = 'unsafe-none';
    const page = await openApp();
    const made = await session();
    const popup = await connectInPopup(page, made);
    await Promise.all([popup.waitForEvent('close'), popup.locator('button[value="allow"]').click()]);
    await page.waitForFunction('told.length > 0');
    const told = await page.evaluate<Told>('told');
    expect(told).toEqual([
      {
        origin: world.publicUrl,
        data: { type: 'authpipe:connect', session: await stateOf(world, made) },
      },
    ]);
    await page.context().close();
  });

  it('let the app’s page see the outcome where its own headers cut it off from the popup', async () => {
    coop = 'same-origin';
    const page = await openApp();
    const made = await session({ userId: 'severed' });
    const popup = await connectInPopup(page, made);
    await popup.locator('button[value="allow"]').click();
    const look = () => call<ConnectSessionState>(page, 'look', world.publicUrl, made.token);
    let seen = await look();
    while (seen.status === 'pending') seen = await look();
    expect(seen).toMatchObject({ status: 'complete', connection: { account: { email: 'ada@acme.test' } } });
    expect(await page.evaluate<Told>('told')).toEqual([]);
    await page.context().close();
  });

  it('work without JavaScript, by a link', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const made = await session({ userId: 'noscript' });
    await page.goto(made.url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Continue to Okta' }).click();
    await page.locator('button[value="ada@acme.test"]').click();
    await page.locator('button[value="allow"]').click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    expect((await stateOf(world, made)).status).toBe('complete');
    await context.close();
  });

  it('lead back to the app in redirect mode, after consent and after a cancel', async () => {
    coop = 'unsafe-none';
    for (const [userId, status] of [
      ['redirect_1', 'complete'],
      ['redirect_2', 'failed'],
    ] as const) {
      const page = await openApp();
      const made = await session({ userId, returnUrl: `${appOrigin}/settings` });
      await begin(page, made, 'here');
      if (status === 'failed') await page.getByRole('button', { name: 'Cancel' }).click();
      else {
        await page.getByRole('button', { name: 'Continue to Okta' }).click();
        await page.locator('button[value="ada@acme.test"]').click();
        await page.locator('button[value="allow"]').click();
      }
      await page.waitForURL(`${appOrigin}/settings?authpipe_session=${made.id}&authpipe_status=${status}`);
      await page.context().close();
    }
  });

  it('fit a window of 320 pixels, and break none of their own rules', async () => {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => void complaints.push(message.text()));
    await page.goto((await session({ tenantId: 'org_'.repeat(30) })).url);
    const checkWidth = async () =>
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
    await checkWidth();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Continue to Okta' }).waitFor();
    await checkWidth();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'You cancelled' }).waitFor();
    await checkWidth();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
