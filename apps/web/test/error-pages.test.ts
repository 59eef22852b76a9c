/** @jest-environment jest-fixed-jsdom */
import { ERROR_CODES } from '@authpipe/types';
import { describe, expect, test } from '@jest/globals';
import { renderToStaticMarkup } from 'react-dom/server';
import { errorGuideOf } from '../src/error-pages/error-guide.js';
import { errorPages } from '../src/error-pages/error-pages.js';
import { renderedPage, wordsOf } from './rendered-site.js';

const contentOf = (markdown: string): string =>
  renderToStaticMarkup(errorPages([errorGuideOf('a_code', `# \`a_code\`\n\n${markdown}`)])[1]?.content);

describe.each(Object.entries(ERROR_CODES))('the page of %s', (code, { status }) => {
  const page = renderedPage(`/docs/errors/${code}`);

  test('names the code, its status and what to do, and shows an answer whose type leads back to it', () => {
    expect(page.querySelector('h1')?.textContent).toBe(code);
    expect(wordsOf(page)).toContain(String(status));
    expect([...page.querySelectorAll('h2')].map((heading) => heading.textContent)).toContain('What to do');
    expect(page.querySelector('pre')?.textContent).toContain(
      `"type": "https://auth.example.com/docs/errors/${code}"`,
    );
  });

  test('is in the index, which the docs lead to', () => {
    const index = renderedPage('/docs/errors');
    expect(index.querySelector(`a[href="/docs/errors/${code}"]`)?.textContent).toBe(code);
    expect(renderedPage('/docs').querySelector('main a[href="/docs/errors"]')).not.toBeNull();
  });
});

describe('a guide in Markdown', () => {
  test('shows its tables, lists and code as such', () => {
    const page = renderedPage('/docs/errors/needs_reconnect');
    expect(page.querySelectorAll('tbody tr').length).toBeGreaterThan(5);
    expect(page.querySelector('tbody td code')?.textContent).toBe('revoked');
    expect(page.querySelectorAll('.prose ul li')).toHaveLength(3);
    expect(wordsOf(page)).not.toMatch(/[|`]|\*\*|##/);
  });

  test('cannot put HTML of its own into a page', () => {
    const content = contentOf(
      'It failed.\n\n<script>steal()</script>\n\nSee <b onclick="x()">this</b> & `<i>`.',
    );
    expect(content).toContain('&lt;script&gt;steal()&lt;/script&gt;');
    expect(content).toContain('&lt;b onclick=&quot;x()&quot;&gt;');
    expect(content).toContain('<code>&lt;i&gt;</code>');
    expect(content).not.toMatch(/<(?:script|b|i)[ >]/);
  });

  test('links by https alone', () => {
    expect(contentOf('It failed.\n\n[RFC](https://www.rfc-editor.org/rfc/rfc9457)')).toContain(
      'href="https://www.rfc-editor.org/rfc/rfc9457"',
    );
    expect(() => contentOf('It failed.\n\n[this](javascript:steal())')).toThrow('https address');
  });

  test('is refused, by the name of its file, without the code as title or without a summary', () => {
    expect(() => errorGuideOf('a_code', '# Another\n\nIt failed.')).toThrow('docs/errors/a_code.md');
    expect(() => errorGuideOf('a_code', '# `a_code`\n\n- It failed.')).toThrow('docs/errors/a_code.md');
  });
});
