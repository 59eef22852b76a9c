import { describe, expect, it } from '@jest/globals';
import { isOktaOrgHost, parseOktaDomain } from '../src/okta-domain.js';

describe('an Okta domain is accepted', () => {
  it.each([
    ['an org', 'acme.okta.com', 'acme.okta.com'],
    ['a preview org', 'acme.oktapreview.com', 'acme.oktapreview.com'],
    ['an EMEA org', 'acme.okta-emea.com', 'acme.okta-emea.com'],
    ['a government org', 'acme.okta-gov.com', 'acme.okta-gov.com'],
    ['a military org', 'acme.okta.mil', 'acme.okta.mil'],
    ['a developer org', 'dev-12345678.okta.com', 'dev-12345678.okta.com'],
    ['a custom domain', 'login.acme.com', 'login.acme.com'],
    ['a custom domain of a country', 'id.acme.co.uk', 'id.acme.co.uk'],
    ['a custom domain with Okta’s name in front', 'okta.acme.com', 'okta.acme.com'],
    ['upper case', 'ACME.Okta.COM', 'acme.okta.com'],
    ['white space around it', '\t acme.okta.com \n', 'acme.okta.com'],
    ['a trailing dot', 'acme.okta.com.', 'acme.okta.com'],
    ['a bare URL', 'https://acme.okta.com', 'acme.okta.com'],
    ['a bare URL with its slash', 'https://acme.okta.com/', 'acme.okta.com'],
    ['a bare http URL', 'http://acme.okta.com/', 'acme.okta.com'],
  ])('%s: %j', (_, typed, value) => {
    expect(parseOktaDomain(typed)).toEqual({ ok: true, value });
  });
});

describe('an Okta domain is refused, with what was meant', () => {
  it.each([
    ['the admin console', 'acme-admin.okta.com', 'acme.okta.com', /admin console/],
    [
      'the admin console of a preview org',
      'acme-admin.oktapreview.com',
      'acme.oktapreview.com',
      /admin console/,
    ],
    ['a URL of the admin console', 'https://acme-admin.okta.com/admin/users', 'acme.okta.com', /after “\/”/],
    ['a URL with a path', 'https://acme.okta.com/oauth2/default', 'acme.okta.com', /after “\/”/],
    ['a host with a path', 'acme.okta.com/app', 'acme.okta.com', /after “\/”/],
    ['a query', 'acme.okta.com?x=1', 'acme.okta.com', /after “\/”/],
    ['a port', 'acme.okta.com:8443', 'acme.okta.com', /port/],
    ['another scheme', 'ftp://acme.okta.com', 'acme.okta.com', /https/],
    ['the org’s name alone', 'acme', 'acme.okta.com', /One word/],
    ['a name below an org', 'acme.kerberos.okta.com', 'acme.okta.com', /one name/],
    ['a www in front', 'www.acme.okta.com', 'acme.okta.com', /one name/],
    ['a domain behind Okta’s', 'acme.okta.com.evil.net', 'acme.okta.com', /looks like/],
    ['a zero for an o', 'acme.0kta.com', 'acme.okta.com', /looks like/],
    ['a four for an a', 'acme.okt4.com', 'acme.okta.com', /looks like/],
    ['a hyphen inside', 'acme.ok-ta.com', 'acme.okta.com', /looks like/],
    ['another ending', 'acme.okta.net', 'acme.okta.com', /looks like/],
  ])('%s: %j', (_, typed, suggestion, error) => {
    expect(parseOktaDomain(typed)).toEqual({ ok: false, suggestion, error: expect.stringMatching(error) });
  });

  it('suggests only what it accepts', () => {
    for (const typed of [
      'acme-admin.okta.com',
      'acme',
      'a.b-admin.okta.com',
      'acme-admin.okta.com.evil.net',
      'www',
    ]) {
      const parsed = parseOktaDomain(typed);
      if (parsed.ok || parsed.suggestion === undefined) continue;
      expect(parseOktaDomain(parsed.suggestion)).toEqual({ ok: true, value: parsed.suggestion });
    }
  });
});

describe('an Okta domain is refused, with an example', () => {
  it.each([
    ['nothing', '', /Nothing/],
    ['white space alone', '  ', /Nothing/],
    ['Okta’s domain alone', 'okta.com', /alone is not an org/],
    ['Okta’s own site', 'www.okta.com', /own site/],
    ['the developer site', 'developer.okta.com', /own site/],
    ['a user name in front', 'https://acme.okta.com@evil.net', /user name/],
    ['a user name and password', 'user:secret@acme.okta.com', /user name/],
    ['a Cyrillic look-alike', 'аcme.okta.com', /other than a to z/],
    ['a full-width look-alike', 'acme.ｏkta.com', /other than a to z/],
    ['an ideographic full stop', 'acme。okta.com', /other than a to z/],
    ['an invisible letter', 'ac\u200bme.okta.com', /other than a to z/],
    ['an encoded look-alike', 'acme.xn--okt-5cd.com', /xn--/],
    ['white space inside', 'acme .okta.com', /white space/],
    ['localhost', 'localhost', /this computer/],
    ['localhost with a port', 'localhost:4601', /port/],
    ['an IPv4 address', '10.0.0.1', /IP address/],
    ['an IPv6 address', '[::1]', /IP address/],
    ['a private name', 'okta.internal', /private/],
    ['a template', '{domain}', /letters, digits and hyphens/],
  ])('%s: %j', (_, typed, error) => {
    const parsed = parseOktaDomain(typed);
    expect(parsed).toEqual({ ok: false, error: expect.stringMatching(error) });
    expect(parsed).toEqual({ ok: false, error: expect.stringMatching(/\.okta\.com/) });
  });

  it('never repeats a password that was pasted with the host', () => {
    expect(JSON.stringify(parseOktaDomain('user:secret@acme.okta.com'))).not.toContain('secret');
  });
});

describe('hosts that another host may speak for', () => {
  it.each(['acme.okta.com', 'acme.oktapreview.com', 'acme.okta-emea.com', 'acme.okta-gov.com'])(
    '%s is an org’s own host',
    (host) => expect(isOktaOrgHost(host)).toBe(true),
  );

  it.each([
    'login.acme.com',
    'okta.com',
    'acme-admin.okta.com',
    'a.b.okta.com',
    'evilokta.com',
    'okta.com.evil.net',
    '',
  ])('%j is not', (host) => expect(isOktaOrgHost(host)).toBe(false));
});
