import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { startWiretap, type Wiretap, type WiretapOptions } from './wiretap.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A bound on what never comes, on machines that other tests keep busy too. */
const PATIENCE_MILLIS = 60_000;

/** A real browser whose whole traffic passes through a wiretap. */
export interface TappedBrowser {
  readonly traffic: Wiretap;
  /** A person's own profile, empty. */
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Debian's place, or the one that is named. */
export const chromiumPath = (): string => process.env.AUTHPIPE_TEST_CHROMIUM || '/usr/bin/chromium';

/** Starts Chromium behind a proxy of its own: what it loads before and beside pages (preflights, icons) is seen too. */
export async function startChromium(
  options: Omit<WiretapOptions, 'targetPort'> = {},
): Promise<TappedBrowser> {
  const traffic = await startWiretap(options);
  let browser: Browser;
  try {
    browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: FLAGS,
      // As people have it: a popup needs a click.
      ignoreDefaultArgs: ['--disable-popup-blocking'],
      proxy: { server: `http://127.0.0.1:${traffic.port}`, bypass: '<-loopback>' },
    });
  } catch (error) {
    await traffic.close();
    throw error;
  }
  return {
    traffic,
    async newContext(contextOptions) {
      const context = await browser.newContext(contextOptions);
      context.setDefaultTimeout(PATIENCE_MILLIS);
      return context;
    },
    async close() {
      await browser.close();
      await traffic.close();
    },
  };
}
