import { existsSync } from 'node:fs';
import { describe, test } from '@jest/globals';
import { chromiumPath } from './chromium.js';

/** Runs a suite where Chromium is installed. Elsewhere it says loudly that it does not, and the suite is not there. */
export function describeInChromium(name: string, suite: () => void): void {
  if (existsSync(chromiumPath())) {
    describe(`${name}, in Chromium`, suite);
    return;
  }
  const notice = `NOTICE: "${name}" does not run: there is no Chromium at ${chromiumPath()}. Install it, or set AUTHPIPE_TEST_CHROMIUM.\n`;
  // Jest wants a test in every file: this one does what there is to do.
  test('tells that the browser tests do not run without Chromium', () => {
    process.stderr.write(notice);
  });
}
