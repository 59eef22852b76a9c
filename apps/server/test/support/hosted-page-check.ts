import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { pageFindings } from '../../../demo/test/support/page-findings.js';
import { takeScreenshots } from '../../../demo/test/support/screenshots.js';

/**
 * A hosted page as it is: nothing for axe in either colour scheme, nothing beyond the edge of a small phone. Saves what it
 * looks like where screenshots are asked for.
 */
export const checkHostedPage = async (page: Page, name: string): Promise<void> => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await pageFindings(page)).toEqual([]);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
  await takeScreenshots(page, `hosted/${name}`);
  await page.setViewportSize({ width: 1280, height: 900 });
};
