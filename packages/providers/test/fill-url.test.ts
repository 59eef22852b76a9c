import { describe, expect, it } from '@jest/globals';
import { fillParams, fillUrl, MissingConfigError } from '../src/index.js';

describe('a URL template', () => {
  it('is filled with the connection’s settings', () => {
    expect(fillUrl('https://{domain}/oauth2/v1/token', { domain: 'acme.okta.com' })).toBe(
      'https://acme.okta.com/oauth2/v1/token',
    );
    expect(fillUrl('https://app.{region}/{path}', { region: 'eu.snyk.io', path: 'x' })).toBe(
      'https://app.eu.snyk.io/x',
    );
  });

  it('without braces stays as it is', () => {
    expect(fillUrl('https://api.acme.com/v1', {})).toBe('https://api.acme.com/v1');
  });

  it.each([
    ['missing', {}],
    ['empty', { domain: '' }],
  ])('says which setting is %s', (_, config) => {
    const fill = () => fillUrl('https://{domain}/', config);
    expect(fill).toThrow(MissingConfigError);
    expect(fill).toThrow(/"domain"/);
  });

  it('takes no setting from the prototype', () => {
    expect(() => fillUrl('https://{constructor}/', {})).toThrow(MissingConfigError);
  });

  it('fills a value in as it is, also where it looks like a replacement pattern or a brace', () => {
    expect(fillUrl('https://a/{x}', { x: '$&{y}' })).toBe('https://a/$&{y}');
  });
});

describe('a loopback host in a template', () => {
  const hosts = [
    'localhost',
    'localhost:4601',
    'org.localhost:4601',
    '127.0.0.1:4601',
    '127.9.8.7',
    '[::1]',
    '[::1]:4601',
  ];

  it.each(hosts)('%s is reached over http in development', (domain) => {
    expect(fillUrl('https://{domain}/x', { domain }, { allowLoopback: true })).toBe(`http://${domain}/x`);
  });

  it.each(hosts)('%s keeps https everywhere else', (domain) => {
    expect(fillUrl('https://{domain}/x', { domain })).toBe(`https://${domain}/x`);
    expect(fillUrl('https://{domain}/x', { domain }, { allowLoopback: false })).toBe(`https://${domain}/x`);
  });

  it.each([
    'acme.okta.com',
    'localhost.evil.net',
    'notlocalhost',
    '127.0.0.1.evil.net',
    '127.0.0.256',
    '127.1',
    '128.0.0.1',
    'localhost:99999',
    'localhost:4601@evil.net',
    'evil.net#localhost',
  ])('%s is none, and keeps https in development too', (domain) => {
    expect(fillUrl('https://{domain}/x', { domain }, { allowLoopback: true })).toMatch(/^https:/);
  });
});

describe('extra request parameters', () => {
  it('are filled like URLs', () => {
    expect(
      fillParams({ audience: 'https://{domain}/api/v2/', prompt: 'consent' }, { domain: 'a.auth0.com' }),
    ).toEqual({
      audience: 'https://a.auth0.com/api/v2/',
      prompt: 'consent',
    });
  });

  it('say which setting is missing', () => {
    expect(() => fillParams({ audience: '{domain}' }, {})).toThrow(MissingConfigError);
  });
});
