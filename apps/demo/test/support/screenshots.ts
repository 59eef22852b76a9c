import { join } from 'node:path';
import type { Page } from 'playwright-core';

const WIDTHS = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;
const SCHEMES = ['light', 'dark'] as const;

/**
 * Saves what a page looks like, wide and narrow, light and dark, in the folder that `AUTHPIPE_SCREENSHOTS` names; does
 * nothing where it names none. The page is left wide and light.
 */
export async function takeScreenshots(page: Page, name: string): Promise<void> {
  const folder = process.env.AUTHPIPE_SCREENSHOTS;
  if (!folder) return;
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const [width, size] of Object.entries(WIDTHS)) {
      await page.setViewportSize(size);
      const ending = colorScheme === 'dark' ? '-dark' : '';
      await page.screenshot({ path: join(folder, `${name}-${width}${ending}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDTHS.desktop);
}
