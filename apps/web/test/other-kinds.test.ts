/** @jest-environment jest-fixed-jsdom */
import { describe, expect, test } from '@jest/globals';
import { renderedPage, wordsOf } from './rendered-site.js';

describe('a provider without a sign-in', () => {
  test.each(['/providers/crowdstrike', '/providers/jumpcloud'])(
    '%s is connected by the same button',
    (path) => {
      const words = wordsOf(renderedPage(path));
      expect(words).toMatch(/Ready to connect \w+\?/);
      expect(words).toMatch(/What Authpipe handles for \w+/);
    },
  );
});

describe('a provider with client credentials', () => {
  const page = renderedPage('/providers/crowdstrike');

  test('speaks of renewal, never of consent, PKCE or a refresh token that it has not', () => {
    expect(wordsOf(page)).toContain('A new access token before the old one expires.');
    expect(wordsOf(page)).not.toMatch(/PKCE|consent/i);
  });

  test('gets its credential for the tenant, as a bearer token', () => {
    const snippet = page.querySelector('pre')?.textContent ?? '';
    expect(snippet).toContain("provider: 'crowdstrike'");
    expect(snippet).toContain("owner: 'tenant'");
    expect(snippet).toContain(`\`Bearer \${credential}\``);
    expect(snippet).not.toContain('userId');
  });
});

describe('a provider with an API key', () => {
  const page = renderedPage('/providers/jumpcloud');

  test('sends the key in its own header, not as a bearer token', () => {
    const snippet = page.querySelector('pre')?.textContent ?? '';
    expect(snippet).toContain("headers: { 'x-api-key': credential }");
    expect(snippet).not.toContain('Bearer');
  });

  test('claims no refresh, no freshness and no scopes', () => {
    const words = wordsOf(page);
    expect(words).not.toMatch(/always fresh|Silent Refresh|Available Scopes|PKCE|consent/);
  });
});

describe('another provider with OAuth', () => {
  test.each(['auth0', 'snyk'])('%s can be connected, with snippets of its own name', (id) => {
    const page = renderedPage(`/providers/${id}`);
    const snippets = [...page.querySelectorAll('pre')].map((pre) => pre.textContent).join('\n');
    expect(wordsOf(page)).toMatch(/Ready to connect \w+\?/);
    expect(snippets).toContain(`provider: '${id}'`);
    expect(snippets).toContain(`provider="${id}"`);
    expect(snippets).not.toContain('okta');
  });

  test('Auth0’s page names its other method', () => {
    expect(wordsOf(renderedPage('/providers/auth0'))).toContain('Other method Client Credentials');
  });

  test('Snyk’s page says that its refresh token works once', () => {
    expect(wordsOf(renderedPage('/providers/snyk'))).toContain('Works once, then is replaced');
  });
});
