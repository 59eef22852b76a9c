/** @jest-environment node */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectSessionState } from '@authpipe/types';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { json } from './connections-server.js';
import { describeInChromium, layoutFindings, overflow, PageInChromium } from './in-chromium.js';

const PENDING: ConnectSessionState = { id: 'sess_1', status: 'pending' };
const COMPLETE: ConnectSessionState = {
  ...PENDING,
  status: 'complete',
  connection: {
    ...{ id: 'conn_1', integration: 'okta', provider: 'okta', label: 'default', status: 'healthy' },
    ...{ account: null, scopes: [], missingScopes: [] },
  },
};
const DECLINED: ConnectSessionState = {
  ...PENDING,
  status: 'failed',
  error: { code: 'access_denied', detail: 'The person said no.' },
};

describeInChromium('the button', () => {
  let session = PENDING;
  const app = new PageInChromium({
    entry: 'button-page.tsx',
    handle(request, response) {
      if (request.url === '/connect/session') json(response, 200, session);
      else if (request.url === '/connect') {
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>Hosted page</title>');
      } else return false;
      return true;
    },
  });
  beforeAll(() => app.start());
  afterAll(() => app.stop());

  let page: Page;
  beforeEach(() => {
    session = PENDING;
    app.direction = 'ltr';
    app.css = '';
  });
  afterEach(() => page.context().close());

  const button = () => page.locator('[data-authpipe-button]');
  const reaches = (status: string) => page.locator(`[data-authpipe-button=${status}]`).waitFor();
  const focused = () => page.evaluate<boolean>('document.activeElement?.matches("[data-authpipe-button]")');
  const styleOf = (property: string) =>
    page.evaluate<string>(
      `getComputedStyle(document.querySelector('[data-authpipe-button]')).getPropertyValue('${property}')`,
    );
  /** Presses it, and waits for the hosted page in the popup. */
  const press = async (how = () => button().click()) => {
    const opened = page.waitForEvent('popup');
    await how();
    const popup = await opened;
    await popup.waitForURL('**/connect');
    return popup;
  };
  /** Brings the button into each state in turn, as a person does. */
  const throughAllStates = async (look: (state: string) => Promise<void>) => {
    await look('idle');
    const popup = await press();
    await look('connecting');
    await popup.close();
    await button().filter({ hasText: 'Reopen window' }).waitFor();
    await look('window-gone');
    session = DECLINED;
    await reaches('error');
    await look('error');
    session = COMPLETE;
    // The popup closes by itself, perhaps before it was seen.
    await button().click();
    await reaches('connected');
    await look('connected');
  };

  it.each<['light' | 'dark', 'ltr' | 'rtl']>([
    ['light', 'ltr'],
    ['dark', 'ltr'],
    ['light', 'rtl'],
  ])('%s, %s: axe finds nothing in any state, and 320 pixels hold it', async (colorScheme, direction) => {
    app.direction = direction;
    const look = async (state: string) => {
      expect([state, await layoutFindings(page), await overflow(page)]).toEqual([state, [], 0]);
      await app.shoot(page, `button-${state}-${colorScheme}-${direction}`);
    };
    page = await app.open({ colorScheme });
    await throughAllStates(look);
    for (const search of ['?status=needs_reconnect', '?disabled', '?size=small', '?size=large']) {
      session = PENDING;
      await page.goto(new URL(search, page.url()).href);
      await button().waitFor();
      await look(search.slice(1).replace('=', '-'));
    }
  });

  it.each(['okta', 'google-workspace'])('has one size in every state: %s', async (provider) => {
    page = await app.open({ search: `?provider=${provider}`, viewport: { width: 640, height: 600 } });
    const sizes = new Map<string, string>();
    await throughAllStates(async (state) => {
      const box = await button().boundingBox();
      sizes.set(state, `${box?.width} x ${box?.height}`);
    });
    await page.goto(new URL(`?provider=${provider}&status=needs_reconnect`, page.url()).href);
    const box = await button().boundingBox();
    sizes.set('needs_reconnect', `${box?.width} x ${box?.height}`);
    expect([...sizes]).toEqual([...sizes.keys()].map((state) => [state, sizes.get('idle')]));
  });

  it('moves nothing on the page when it comes, nor on the way to connected', async () => {
    page = await app.open();
    /** What moved, the words within the button aside. */
    const moved = () =>
      page.evaluate<string[]>(`new Promise((resolve) => {
        new PerformanceObserver((list, observer) => {
          observer.disconnect();
          const nodes = list.getEntries().flatMap(({ sources }) => sources.map(({ node }) => node));
          resolve(nodes.filter((node) => !node?.closest('[data-authpipe-button] *')).map((node) => String(node?.outerHTML)));
        }).observe({ type: 'layout-shift', buffered: true });
        setTimeout(resolve, 200, []);
      })`);
    await press();
    session = COMPLETE;
    await reaches('connected');
    expect(await moved()).toEqual([]);
  });

  it.each(['Enter', 'Space'])(
    'is pressed by %s, and has the focus again when the popup is gone',
    async (key) => {
      page = await app.open();
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(true);
      expect(await styleOf('outline-style')).toBe('auto');
      const popup = await press(() => page.keyboard.press(key));
      const closed = popup.waitForEvent('close');
      session = COMPLETE;
      await closed;
      await reaches('connected');
      expect(await focused()).toBe(true);
      expect(await page.getByRole('status').textContent()).toBe('Okta connected');
    },
  );

  it.each<['reduce' | 'no-preference', number]>([
    ['no-preference', 1],
    ['reduce', 0],
  ])('turns its sign only for people who do not mind motion: %s', async (reducedMotion, turning) => {
    page = await app.open({ reducedMotion });
    await press();
    await reaches('connecting');
    expect(await button().locator('animateTransform').count()).toBe(turning);
  });

  it('wears the colours of the README’s theme, in light and dark', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
    app.css = /```css\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    page = await app.open();
    for (const [colorScheme, background] of [
      ['light', 'rgb(15, 107, 92)'],
      ['dark', 'rgb(108, 201, 181)'],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await styleOf('background-color')).toBe(background);
      expect(await layoutFindings(page)).toEqual([]);
    }
  });

  it.each([
    ['radius', 'border-top-left-radius', '3px'],
    ['min-width', 'min-width', '200px'],
    ['height', 'min-height', '60px'],
    ['padding', 'padding-top', '9px'],
    ['font-size', 'font-size', '21px'],
    ['font-weight', 'font-weight', '400'],
    ['border', 'border-top-color', 'rgb(1, 2, 3)'],
    ['color', 'color', 'rgb(1, 2, 3)'],
  ])('takes the variable --authpipe-%s', async (variable, property, value) => {
    app.css = `:root { --authpipe-${variable}: ${value} }`;
    page = await app.open();
    expect(await styleOf(property)).toBe(value);
  });
});
