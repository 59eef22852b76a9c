/** @jest-environment node */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ListedConnection } from '@authpipe/types';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { json, listed, problem } from './connections-server.js';

const CHROMIUM = process.env.AUTHPIPE_CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(CHROMIUM)) {
  process.stderr.write(
    `NOTICE: the list of connections is not tested in a real browser: no Chromium at ${CHROMIUM}.\n`,
  );
}
const describeInChromium = existsSync(CHROMIUM) ? describe : describe.skip;

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

/** The part of tsup that this test uses itself. */
interface Bundler {
  buildSync(options: object): { outputFiles: [{ text: string }] };
}

const bundle = (): string => {
  const here = createRequire(import.meta.url);
  const { buildSync } = createRequire(here.resolve('tsup'))('esbuild') as Bundler;
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'list-page.tsx')],
    bundle: true,
    write: false,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0].text;
};

describeInChromium('the list in Chromium', () => {
  let browser: Browser;
  let script = '';
  let answer: 'all' | 'none' | 'error' = 'all';
  let direction = 'ltr';
  const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  const app = createServer((request, response) => {
    if (request.url === '/connect/connections') {
      if (answer === 'error') problem(response, 403, 'forbidden');
      else json(response, 200, { data: answer === 'all' ? CONNECTIONS : [] });
    } else if (request.url === '/page.js') {
      response.setHeader('content-type', 'text/javascript').end(script);
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      // No style-src: the look has to work under it.
      response.setHeader(
        'content-security-policy',
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src-elem 'nonce-page'",
      );
      response.end(
        `<!doctype html><html lang="en" dir="${direction}"><title>Settings</title><meta name="viewport" content="width=device-width">` +
          '<style nonce="page">:root { color-scheme: light dark; font-family: sans-serif; background: light-dark(#fff, #14171f); color: light-dark(#1a1f2b, #e6e9f0) }</style><main></main><script src="/page.js"></script></html>',
      );
    }
  });

  beforeAll(async () => {
    script = bundle();
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    app.closeAllConnections();
    await new Promise((resolve) => app.close(resolve));
  });

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width: 320, height: 900 },

      ...options,
    });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
    await page.waitForSelector('[data-authpipe-list]:not([data-authpipe-list=loading])');
    return page;
  };
  /** With the rules that need a layout: contrast, target size, and names that contain what is seen. */
  const findings = async (page: Page): Promise<string[]> => {
    await page.evaluate(readFileSync(axePath, 'utf8'));
    return page.evaluate<string[]>(
      `axe.run({ rules: { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } } })
        .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
    );
  };
  const overflow = (page: Page) =>
    page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  it.each<['light' | 'dark', string]>([
    ['light', 'ltr'],
    ['dark', 'ltr'],
    ['light', 'rtl'],
  ])('%s, %s: axe finds nothing in any state, and 320 pixels hold it', async (colorScheme, dir) => {
    direction = dir;
    for (const state of ['all', 'none', 'error'] as const) {
      answer = state;
      const page = await open({ colorScheme });
      expect(await findings(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      if (state === 'all') {
        await page.click('[data-authpipe-disconnect]');
        expect(await findings(page)).toEqual([]);
        expect(await overflow(page)).toBe(0);
      }
      if (process.env.AUTHPIPE_SCREENSHOTS) {
        await page.screenshot({
          path: join(process.env.AUTHPIPE_SCREENSHOTS, `list-${state}-${colorScheme}-${dir}.png`),
        });
      }
      await page.context().close();
    }
  });

  it('is used by the keyboard alone, and shows where the focus is', async () => {
    answer = 'all';
    direction = 'ltr';
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
