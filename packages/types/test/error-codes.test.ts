import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  ERROR_CODES,
  type ErrorCode,
  problemDocument,
  type SdkErrorCode,
  sessionErrorCode,
} from '../src/index.js';

const PAGES = join(import.meta.dirname, '..', '..', '..', 'docs', 'errors');
const sdkCodes: Record<SdkErrorCode, true> = {
  server_unreachable: true,
  insufficient_scope: true,
  webhook_invalid: true,
};
const serverCodes = Object.keys(ERROR_CODES) as ErrorCode[];
const everyCode = [...new Set([...serverCodes, ...Object.keys(sdkCodes), ...sessionErrorCode.options])];

describe('every code', () => {
  it.each(everyCode)('%s has a page that says why, what to do, and shows one', (code) => {
    const page = readFileSync(join(PAGES, `${code}.md`), 'utf8');
    expect(page).toMatch(new RegExp(`^# \`${code}\`\n`));
    expect(page).toContain('\n## Why it happens\n');
    expect(page).toContain('\n## What to do\n');
    expect(page).toContain('\n## Example\n');
  });

  it('has the only pages there are', () => {
    const pages = readdirSync(PAGES).filter((file) => file !== 'README.md');
    expect(pages.sort()).toEqual(everyCode.map((code) => `${code}.md`).sort());
  });
});

describe('a page of a server code', () => {
  it.each(serverCodes)('%s shows an answer that the schema takes, with the status of the table', (code) => {
    const page = readFileSync(join(PAGES, `${code}.md`), 'utf8');
    const { status, retryable, title } = ERROR_CODES[code];
    expect(page).toContain(
      `HTTP status ${status}, ${retryable ? 'retrying may help' : 'retrying the same call'}`,
    );
    const [, example = ''] = page.match(/```http\n[\s\S]*?\n\n([\s\S]*?)\n```/) ?? [];
    expect(problemDocument.parse(JSON.parse(example))).toMatchObject({ code, status, retryable, title });
  });
});

describe('the table', () => {
  it('calls what passes by itself retryable, and nothing else', () => {
    expect(serverCodes.filter((code) => ERROR_CODES[code].retryable).sort()).toEqual([
      'internal_error',
      'provider_unavailable',
      'rate_limited',
    ]);
  });

  it('has HTTP error statuses only', () => {
    for (const code of serverCodes) {
      expect(ERROR_CODES[code].status).toBeGreaterThanOrEqual(400);
      expect(ERROR_CODES[code].status).toBeLessThan(600);
    }
  });
});
