/** @jest-environment node */
import type { ListedConnection } from '@authpipe/types';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { json, listed, problem } from './connections-server.js';
import { describeInChromium, layoutFindings, overflow, PageInChromium } from './in-chromium.js';

const LONG_ADDRESS = 'ada.augusta.lovelace.of.the.analytical.engine@subsidiary.acme-industries.example';
const CONNECTIONS: ListedConnection[] = [
  listed('conn_1'),
  listed('conn_2', {
    label: 'production-eu-west',
    status: 'needs_reconnect',
    reason: 'revoked',
    account: { id: '1', email: LONG_ADDRESS },
  }),
  listed('conn_3', { provider: 'auth0', status: 'degraded', reason: 'provider_down' }),
  listed('conn_4', { provider: 'snyk', status: 'unverified', missingScopes: ['org.read', 'user.read'] }),
];

describeInChromium('the list', () => {
  let answer: 'all' | 'one' | 'none' | 'error' | 'never' = 'all';
  let isStuck = false;
  const app = new PageInChromium({
    entry: 'list-page.tsx',
    handle(request, response) {
      if (request.url?.startsWith('/connect/connections') !== true) return false;
      if (request.method === 'DELETE') {
        if (!isStuck) problem(response, 409, 'conflict');
      } else if (answer === 'error') problem(response, 403, 'forbidden');
      else if (answer !== 'never') {
        const data = { all: CONNECTIONS, one: CONNECTIONS.slice(0, 1), none: [] }[answer];
        json(response, 200, { data });
      }
      return true;
    },
  });
  beforeAll(() => app.start());
  afterAll(() => app.stop());

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const page = await app.open(options);
    const isSettled = '[data-authpipe-list]:not([data-authpipe-list=loading])';
    await page.waitForSelector(answer === 'never' ? '[data-authpipe-list=loading]' : isSettled);
    return page;
  };

  it.each<['light' | 'dark', 'ltr' | 'rtl']>([
    ['light', 'ltr'],
    ['dark', 'ltr'],
    ['light', 'rtl'],
  ])('%s, %s: axe finds nothing in any state, and 320 pixels hold it', async (colorScheme, direction) => {
    app.direction = direction;
    const look = async (page: Page, state: string) => {
      expect([state, await layoutFindings(page), await overflow(page)]).toEqual([state, [], 0]);
      await app.shoot(page, `list-${state}-${colorScheme}-${direction}`);
    };
    for (const state of ['never', 'all', 'none', 'error'] as const) {
      answer = state;
      const page = await open({ colorScheme });
      await look(page, state);
      if (state === 'all') {
        await page.click('[data-authpipe-disconnect]');
        await look(page, 'confirm');
        isStuck = true;
        await page.click('[data-authpipe-confirm] button');
        await page.getByText('Disconnecting…').waitFor();
        await look(page, 'disconnecting');
        isStuck = false;
        await page.reload();
        await page.click('[data-authpipe-disconnect]');
        await page.click('[data-authpipe-confirm] button');
        await page.getByText('could not be disconnected').waitFor();
        await look(page, 'disconnect-failed');
      }
      await page.context().close();
    }
  });

  it('moves nothing when a connection comes into its place', async () => {
    answer = 'never';
    const page = await open();
    const below = () => page.getByText('What is below.').boundingBox();
    const before = await below();
    answer = 'one';
    await page.reload();
    await page.getByText('Working').waitFor();
    expect(await below()).toEqual(before);
    await page.context().close();
  });

  it('is used by the keyboard alone, and shows where the focus is', async () => {
    answer = 'all';
    app.direction = 'ltr';
    const page = await open();
    await page.keyboard.press('Tab');
    const focused = () =>
      page.evaluate<[string | null, string]>(
        '[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]',
      );
    expect(await focused()).toEqual(['Disconnect', 'auto']);
    await page.keyboard.press('Enter');
    expect(await focused()).toEqual(['Keep', 'auto']);
    await page.keyboard.press('Shift+Tab');
    expect((await focused())[0]).toBe('Disconnect');
    await page.keyboard.press('Escape');
    expect(await focused()).toEqual(['Disconnect', 'auto']);
    await page.keyboard.press('Tab');
    expect((await focused())[0]).toBe('Reconnect Okta (production-eu-west)');
    await page.context().close();
  });
});
