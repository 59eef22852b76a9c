import { describe, expect, it } from '@jest/globals';
import { parsePublicHost } from '../src/public-host.js';

const rules = { example: 'id.acme.com' };

describe('a public host name', () => {
  it.each([
    ['acme.com', 'acme.com'],
    ['a-b.c9.example.co.uk', 'a-b.c9.example.co.uk'],
    ['ID.Acme.COM.', 'id.acme.com'],
    [' https://id.acme.com/ ', 'id.acme.com'],
    ['8.acme.com', '8.acme.com'],
    [`${'a'.repeat(63)}.acme.com`, `${'a'.repeat(63)}.acme.com`],
  ])('%j is taken as %j', (typed, value) => {
    expect(parsePublicHost(typed, rules)).toEqual({ ok: true, value });
  });

  it.each([
    ['an IPv4 address', '93.184.216.34'],
    ['a loopback address', '127.0.0.1'],
    ['a short IPv4 address', '127.1'],
    ['an IPv4 address as one number', '2130706433'],
    ['a hexadecimal IPv4 address', '0x7f000001'],
    ['a hexadecimal part', '127.0.0.0x1'],
    ['an octal IPv4 address', '0177.0.0.1'],
    ['a bare 0x', '1.0x'],
    ['an IPv4 address with a trailing dot', '127.0.0.1.'],
    ['an IPv6 address', '2606:2800:220:1:248:1893:25c8:1946'],
    ['an IPv6 address in brackets', '[::1]'],
    ['an IPv6 address with a zone', 'fe80::1%eth0'],
    ['an IPv4 address in an IPv6 one', '::ffff:127.0.0.1'],
    ['the metadata service', '169.254.169.254'],
  ])('%s is refused: %j', (_, typed) => {
    expect(parsePublicHost(typed, rules)).toEqual({ ok: false, error: expect.stringMatching(/IP address/) });
  });

  it.each([
    'printer.local',
    'db.internal',
    'nas.lan',
    'wiki.intranet',
    'dc.corp',
    'router.home.arpa',
    'home.arpa',
    '1.0.0.127.in-addr.arpa',
    'x.private',
    'x.home',
    'localhost.localdomain',
    'x.test',
    'x.invalid',
    'x.onion',
  ])('%j is refused, being private', (typed) => {
    expect(parsePublicHost(typed, rules)).toEqual({ ok: false, error: expect.stringMatching(/private/) });
  });

  it.each(['localhost', 'LOCALHOST.', 'app.localhost'])('%j is refused, being this computer', (typed) => {
    expect(parsePublicHost(typed, rules)).toEqual({
      ok: false,
      error: expect.stringMatching(/this computer/),
    });
  });

  it.each([
    ['an underscore', 'a_b.acme.com'],
    ['a hyphen in front', '-a.acme.com'],
    ['a hyphen behind', 'a-.acme.com'],
    ['two dots', 'a..acme.com'],
    ['two trailing dots', 'acme.com..'],
    ['a dot in front', '.acme.com'],
    ['a percent sign', 'acme%2ecom.acme.com'],
    ['a wildcard', '*.acme.com'],
    ['braces', '{domain}.acme.com'],
    ['a line break inside', 'acme.com\nevil.net'],
    ['a NUL', 'acme.com\u0000.evil.net'],
    ['a label of 64 letters', `${'a'.repeat(64)}.acme.com`],
    ['more than 253 letters', `${'a'.repeat(60)}.`.repeat(5).concat('acme.com')],
    ['a last part with digits', 'acme.c0m'],
    ['a last part of one letter', 'acme.c'],
    ['a scheme without a host', 'https://'],
  ])('with %s is refused: %j', (_, typed) => {
    expect(parsePublicHost(typed, rules)).toEqual({
      ok: false,
      error: expect.stringMatching(/id\.acme\.com/),
    });
  });

  it.each([
    ['a path', 'https://id.acme.com/login'],
    ['a query', 'id.acme.com?next=/'],
    ['a fragment', 'id.acme.com#top'],
    ['a backslash, which browsers read as a slash', 'id.acme.com\\@evil.net'],
    ['a port', 'id.acme.com:443'],
    ['an empty port', 'id.acme.com:'],
    ['another scheme', 'ldap://id.acme.com'],
  ])('with %s is refused, and the host alone is suggested', (_, typed) => {
    expect(parsePublicHost(typed, rules)).toMatchObject({ ok: false, suggestion: 'id.acme.com' });
  });

  it('is never guessed where somebody put one before an @', () => {
    expect(parsePublicHost('https://id.acme.com@evil.net/', rules)).not.toHaveProperty('suggestion');
  });

  it('is not suggested where it would be refused as well', () => {
    expect(parsePublicHost('http://127.0.0.1:8080/x', rules)).not.toHaveProperty('suggestion');
    expect(parsePublicHost('https://a.local/x', { ...rules })).not.toHaveProperty('suggestion');
  });

  it('is refused by a provider’s own rule after all the others', () => {
    const accept = (host: string) =>
      host.endsWith('.acme.com')
        ? { ok: true as const, value: host }
        : { ok: false as const, error: 'not ours' };
    expect(parsePublicHost('id.acme.com', { ...rules, accept })).toEqual({ ok: true, value: 'id.acme.com' });
    expect(parsePublicHost('id.evil.net', { ...rules, accept })).toEqual({ ok: false, error: 'not ours' });
    expect(parsePublicHost('10.0.0.1', { ...rules, accept })).toMatchObject({
      error: expect.stringMatching(/IP/),
    });
  });

  it('completes one word only to what is accepted', () => {
    const completeLabel = (label: string) => `${label}.acme.com`;
    expect(parsePublicHost('id', { ...rules, completeLabel })).toMatchObject({ suggestion: 'id.acme.com' });
    for (const typed of ['localhost', '127', '0x7f', '-', 'a_b']) {
      expect(parsePublicHost(typed, { ...rules, completeLabel })).not.toHaveProperty('suggestion');
    }
  });
});
