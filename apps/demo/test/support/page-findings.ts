import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on a page as it is, with the rules that look at sizes and at names that are seen. */
export const pageFindings = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run({ rules: { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } } })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  );
};
