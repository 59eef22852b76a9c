/** @jest-environment jest-fixed-jsdom */
import { describe, expect, test } from '@jest/globals';
import { OKTA_NODE_SNIPPET, OKTA_PAGE_WORDS, OKTA_REACT_SNIPPET } from './okta-page-words.js';
import { renderedPage, wordsOf } from './rendered-site.js';

describe('the Okta page', () => {
  const page = renderedPage('/providers/okta');

  test('says every word of the product page, in its order', () => {
    const words = wordsOf(page);
    let position = 0;
    for (const expected of OKTA_PAGE_WORDS) {
      const found = words.indexOf(expected, position);
      expect({ expected, found: found >= 0 }).toEqual({ expected, found: true });
      position = found + expected.length;
    }
  });

  test('shows both snippets to the character', () => {
    const [node, react] = [...page.querySelectorAll('pre')].map((pre) => pre.textContent);
    expect(node).toBe(OKTA_NODE_SNIPPET);
    expect(react).toBe(OKTA_REACT_SNIPPET);
  });

  test('draws the connection flow as a picture of three steps', () => {
    const picture = page.querySelector('section[aria-labelledby="connection-flow"] svg[role="img"]');
    const words = [...(picture?.querySelectorAll('.flow-step') ?? [])].map((step) =>
      [...step.querySelectorAll('text')].map((text) => text.textContent),
    );
    expect(words).toEqual([
      ['1', 'Your App'],
      ['2', 'Authpipe'],
      ['3', 'Okta'],
    ]);
    expect(picture?.getAttribute('aria-label')).toBe('Three steps: 1 Your App, 2 Authpipe, 3 Okta');
  });

  test('lists each of the 18 scopes once', () => {
    const names = [...page.querySelectorAll('.scopes dt')].map((term) => term.textContent);
    expect(names).toHaveLength(18);
    expect(new Set(names).size).toBe(18);
    expect(names).not.toContain('offline_access');
  });

  test('links the other Security providers, and not itself', () => {
    const links = [...page.querySelectorAll('section[aria-labelledby="more"] a')].map((link) =>
      link.getAttribute('href'),
    );
    expect(links).toEqual(
      expect.arrayContaining([
        '/providers/auth0',
        '/providers/crowdstrike',
        '/providers/jumpcloud',
        '/providers/snyk',
      ]),
    );
    expect(links).not.toContain('/providers/okta');
  });

  test('has no mark of a provider that is still to come', () => {
    expect(wordsOf(page)).not.toMatch(/Planned/);
    expect(page.querySelector('.notice')).toBeNull();
  });
});
