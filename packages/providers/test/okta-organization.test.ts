import { describe, expect, it } from '@jest/globals';
import { confirmsOktaHost } from '../src/okta-domain.js';

const document = {
  id: '00o1n8sbwArJ7OQRw406',
  pipeline: 'idx',
  _links: {
    organization: { href: 'https://acme.okta.com' },
    alternate: { href: 'https://login.acme.com' },
  },
};

describe('the document of an org at /.well-known/okta-organization', () => {
  it('confirms the org’s custom domain', () => {
    expect(confirmsOktaHost(document, 'login.acme.com')).toBe(true);
    expect(confirmsOktaHost(document, 'LOGIN.acme.com')).toBe(true);
  });

  it('confirms the org’s own host', () => {
    expect(confirmsOktaHost(document, 'acme.okta.com')).toBe(true);
  });

  it('confirms each of several custom domains', () => {
    const several = {
      _links: { alternate: [{ href: 'https://id.acme.com/' }, { href: 'https://login.acme.com' }] },
    };
    expect(confirmsOktaHost(several, 'id.acme.com')).toBe(true);
    expect(confirmsOktaHost(several, 'login.acme.com')).toBe(true);
  });

  it.each(['evil.net', 'login.acme.com.evil.net', 'acme.com', 'xlogin.acme.com', ''])(
    'does not confirm %j',
    (host) => {
      expect(confirmsOktaHost(document, host)).toBe(false);
    },
  );

  it.each([
    ['nothing', null],
    ['text', 'https://login.acme.com'],
    ['no links', { id: '00o1' }],
    ['links that are null', { _links: null }],
    ['an empty link', { _links: { alternate: {} } }],
    ['a link that is text', { _links: { alternate: 'https://login.acme.com' } }],
    ['a link over http', { _links: { alternate: { href: 'http://login.acme.com' } } }],
    ['a user name before the host', { _links: { alternate: { href: 'https://login.acme.com@evil.net' } } }],
    ['a host in the path', { _links: { alternate: { href: 'https://evil.net/login.acme.com' } } }],
  ])('with %s confirms no host', (_, odd) => {
    expect(confirmsOktaHost(odd, 'login.acme.com')).toBe(false);
  });
});
