/** @jest-environment jest-fixed-jsdom */
import { providers } from '@authpipe/providers';
import { describe, expect, test } from '@jest/globals';
import { renderedSite } from './rendered-site.js';

const site = renderedSite();
const pages = [...site];

describe('the site', () => {
  test('has a page for every provider, and each of them is in the catalogue', () => {
    const catalogue = site.get('/providers');
    for (const { id } of providers) {
      expect(site.has(`/providers/${id}`)).toBe(true);
      expect(catalogue?.querySelector(`[data-provider="${id}"] a`)?.getAttribute('href')).toBe(
        `/providers/${id}`,
      );
    }
  });

  test('shows the whole catalogue and no dead controls where scripts do not run', () => {
    const catalogue = site.get('/providers');
    expect(catalogue?.querySelectorAll('[data-provider][hidden]')).toHaveLength(0);
    expect(catalogue?.querySelector('form')?.hasAttribute('hidden')).toBe(true);
    for (const [, page] of pages) {
      expect(page.querySelectorAll('button:not([hidden])')).toHaveLength(0);
    }
  });
});

describe.each(pages)('%s', (_path, page) => {
  test('holds no inline script, style or handler, so the strictest policy suits it', () => {
    expect(page.querySelectorAll('script:not([src]), style, [style]')).toHaveLength(0);
    const attributes = [...page.querySelectorAll('*')].flatMap((element) => element.getAttributeNames());
    expect(attributes.filter((name) => name.startsWith('on'))).toEqual([]);
    expect(page.documentElement.outerHTML).not.toMatch(/javascript:|data:/);
  });

  test('loads only files of its own host', () => {
    const loaded = [...page.querySelectorAll('script[src], link[href], img[src]')].map(
      (element) => element.getAttribute('src') ?? element.getAttribute('href'),
    );
    expect(loaded.length).toBeGreaterThan(0);
    for (const address of loaded) expect(address).toMatch(/^\/assets\//);
  });

  test('links only to pages that exist and to places that are on them', () => {
    for (const link of page.querySelectorAll('a[href]')) {
      const href = link.getAttribute('href') ?? '';
      if (href.startsWith('https://')) continue;
      if (href.startsWith('#')) expect(page.querySelector(href)).not.toBeNull();
      else expect([...site.keys()]).toContain(href);
    }
  });

  test('says what it is to people, machines and assistive technology', () => {
    expect(page.documentElement.lang).toBe('en');
    expect(page.title).toMatch(/Authpipe$/);
    const description = page.querySelector('meta[name="description"]')?.getAttribute('content') ?? '';
    expect(description.length).toBeGreaterThan(40);
    expect(page.querySelector('meta[property="og:title"]')?.getAttribute('content')).toBe(page.title);
    expect(page.querySelector('meta[property="og:description"]')?.getAttribute('content')).toBe(description);
    expect(page.querySelectorAll('h1')).toHaveLength(1);
    expect(page.querySelectorAll('main, header.site-header, footer.site-footer')).toHaveLength(3);
    expect(page.querySelector('.skip-link')?.getAttribute('href')).toBe('#content');
  });

  test('steps its headings down one level at a time and names each id once', () => {
    const levels = [...page.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]));
    levels.reduce((previous, level) => {
      expect(level).toBeLessThanOrEqual(previous + 1);
      return level;
    }, 0);
    const ids = [...page.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const element of page.querySelectorAll('[aria-labelledby]')) {
      expect(page.getElementById(element.getAttribute('aria-labelledby') ?? '')).not.toBeNull();
    }
  });
});
