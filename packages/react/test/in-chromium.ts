import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { bundle } from './bundle.js';

const CHROMIUM = process.env.AUTHPIPE_TEST_CHROMIUM || '/usr/bin/chromium';

/** Runs a suite where Chromium is installed. Elsewhere it says loudly that it does not. */
export function describeInChromium(name: string, suite: () => void): void {
  if (existsSync(CHROMIUM)) {
    describe(`${name}, in Chromium`, suite);
    return;
  }
  // Jest wants a test in every file: this one does what there is to do.
  test('tells that the browser tests do not run without Chromium', () => {
    process.stderr.write(
      `NOTICE: "${name}" does not run: there is no Chromium at ${CHROMIUM}. Install it, or set AUTHPIPE_TEST_CHROMIUM.\n`,
    );
  });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, with the rules that need a layout: contrast, target size, and names that contain what is seen. */
export const layoutFindings = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run({ rules: { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } } })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  );
};

/** How many pixels a page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** A light and dark page without any style for what is tested. */
const PAGE_STYLE =
  ':root { color-scheme: light dark; font-family: sans-serif; background: light-dark(#fff, #14171f); color: light-dark(#1a1f2b, #e6e9f0) }';

export interface PageServerOptions {
  /** The page's script, in this folder. */
  readonly entry: string;
  /** Answers what is not the page itself; `false` where it does not. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A page of an app, a server below it, and a real browser in front of it. */
export class PageInChromium {
  direction: 'ltr' | 'rtl' = 'ltr';
  /** CSS of the app. */
  css = '';
  readonly #options: PageServerOptions;
  #script = '';
  #browser: Browser | undefined;
  readonly #server = createServer((request, response) => {
    if (this.#options.handle(request, response)) return;
    if (request.url === '/page.js') {
      response.setHeader('content-type', 'text/javascript').end(this.#script);
      return;
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    // No style-src: the look has to work under it.
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; style-src-elem 'nonce-page'",
    );
    response.end(
      `<!doctype html><html lang="en" dir="${this.direction}"><title>Settings</title><meta name="viewport" content="width=device-width">` +
        `<style nonce="page">${PAGE_STYLE} ${this.css}</style><main></main><script src="/page.js"></script></html>`,
    );
  });

  constructor(options: PageServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#script = bundle(this.#options.entry);
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      // As people have it: a popup needs a click.
      ignoreDefaultArgs: ['--disable-popup-blocking'],
    });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Opens the page in a profile of its own, 320 pixels wide: close it by its context. */
  async open(options: BrowserContextOptions & { search?: string } = {}): Promise<Page> {
    if (!this.#browser) throw new Error('Not started.');
    const { search = '', ...contextOptions } = options;
    const context = await this.#browser.newContext({
      viewport: { width: 320, height: 900 },
      ...contextOptions,
    });
    const page = await context.newPage();
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/${search}`);
    return page;
  }

  /** Saves what a page looks like in the folder that `AUTHPIPE_SCREENSHOTS` names; does nothing where it names none. */
  async shoot(page: Page, name: string): Promise<void> {
    const folder = process.env.AUTHPIPE_SCREENSHOTS;
    if (folder) await page.screenshot({ path: join(folder, `react/${name}.png`), fullPage: true });
  }
}
