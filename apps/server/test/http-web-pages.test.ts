import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { notFound, problemResponse } from '../src/http/problem-response.js';
import { webPages } from '../src/http/web-pages.js';
import { createLogger } from '../src/log/logger.js';

/** What Chromium sends when a person goes to an address. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

const folder = mkdtempSync(join(tmpdir(), 'authpipe-web-'));
const pages = {
  'index.html': 'the front door',
  'docs/errors/needs_reconnect/index.html': 'the page of needs_reconnect',
  '404.html': 'there is no page here',
};
for (const [name, text] of Object.entries(pages)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
afterAll(() => rmSync(folder, { recursive: true }));

const log = createLogger('silent');
const app = express();
app.use(webPages(folder, log), notFound, problemResponse(log, 'https://auth.example.com'));

const asBrowser = (path: string) => request(app).get(path).set('Accept', BROWSER);

it('has the page that the type of a problem leads to', async () => {
  const { body } = await request(app).get('/elsewhere');
  expect(body.type).toBe('https://auth.example.com/docs/errors/not_found');
  const page = await asBrowser('/docs/errors/needs_reconnect');
  expect(page.status).toBe(200);
  expect(page.text).toBe('the page of needs_reconnect');
});

describe.each(['/providers/nobody', '/docs/nothing', '/docs/errors/No.Such', '/providers/'])('%s', (path) => {
  it('tells a browser by a page that nothing is there, under the policy of every page', async () => {
    const answer = await asBrowser(path);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers.vary).toBe('Accept');
    expect(answer.text).toBe('there is no page here');
  });

  it.each(['*/*', 'application/json', 'application/problem+json'])(
    'tells a client that accepts %s by a problem',
    async (accept) => {
      const answer = await request(app).get(path).set('Accept', accept);
      expect(answer.status).toBe(404);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.headers.vary).toBe('Accept');
      expect(answer.body.code).toBe('not_found');
    },
  );
});

it('answers 404 to a browser that asks for a part of the missing page too', async () => {
  expect((await asBrowser('/docs/nothing').set('Range', 'bytes=0-3')).status).toBe(404);
});

it.each(['/elsewhere', '/providersx', '/v1/things'])(
  'answers %s with a problem, whoever asks',
  async (path) => {
    const answer = await asBrowser(path);
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('not_found');
  },
);

it('answers what is no reading with a problem', async () => {
  const answer = await request(app).post('/docs/nothing').set('Accept', BROWSER);
  expect(answer.body.code).toBe('not_found');
});
