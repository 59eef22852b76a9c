import { describe, expect, it } from '@jest/globals';
import { connectSessionRequest, finishConnectSessionRequest } from '../src/index.js';

const body = { tenantId: 'org_acme', userId: 'user_123' };
const accepts = (more: Record<string, unknown>) =>
  connectSessionRequest.safeParse({ ...body, ...more }).success;

describe('allowedOrigins', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://app.localhost:4602',
    'http://[::1]:4602',
  ])('take %s', (origin) => {
    expect(accepts({ allowedOrigins: [origin] })).toBe(true);
  });

  it.each([
    'https://app.example.com/',
    'https://app.example.com/settings',
    'https://*.example.com',
    'https://app.example.com;script-src',
    'https://app.example.com,evil.test',
    "https://'self'",
    'https://app.example.com:443',
    'https://APP.example.com',
    'https://me@app.example.com',
    'app.example.com',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'null',
    '*',
    '',
  ])('refuse %j', (origin) => {
    expect(accepts({ allowedOrigins: [origin] })).toBe(false);
  });

  it('are at most 20', () => {
    const some = (count: number) =>
      Array.from({ length: count }, (_, index) => `https://a${index}.example.com`);
    expect(accepts({ allowedOrigins: some(20) })).toBe(true);
    expect(accepts({ allowedOrigins: some(21) })).toBe(false);
  });

  it('are none unless given', () => {
    expect(connectSessionRequest.parse(body).allowedOrigins).toEqual([]);
  });
});

describe('scopes', () => {
  it('are one each, whatever characters a vendor puts into them', () => {
    expect(accepts({ scopes: ['openid', 'read:current_user', 'https://api.example.com/auth/drive'] })).toBe(
      true,
    );
    for (const scope of ['openid okta.users.manage', 'a\nb', 'a"b', 'a\\b', 'é', ''])
      expect(accepts({ scopes: [scope] })).toBe(false);
  });
});

describe('returnUrl', () => {
  const allowedOrigins = ['https://app.example.com'];

  it('lies on an allowed origin', () => {
    expect(accepts({ allowedOrigins, returnUrl: 'https://app.example.com/done?tab=1' })).toBe(true);
    expect(accepts({ allowedOrigins, returnUrl: 'https://evil.example.com/done' })).toBe(false);
    expect(accepts({ allowedOrigins, returnUrl: 'https://app.example.com@evil.example.com/' })).toBe(false);
    expect(accepts({ allowedOrigins, returnUrl: 'http://app.example.com/' })).toBe(false);
    expect(accepts({ returnUrl: 'https://app.example.com/' })).toBe(false);
  });

  it.each(['javascript:alert(1)', 'data:text/html,hi', '/done', 'not a url'])('is not %j', (returnUrl) => {
    expect(accepts({ allowedOrigins, returnUrl })).toBe(false);
  });
});

describe('a connect session', () => {
  it('may only connect unless told otherwise', () => {
    expect(connectSessionRequest.parse(body).permissions).toEqual(['connect']);
    expect(accepts({ permissions: ['list', 'disconnect'] })).toBe(true);
    expect(accepts({ permissions: ['read'] })).toBe(false);
    expect(accepts({ permissions: [] })).toBe(false);
  });

  it('has a link that lives from a minute to 7 days', () => {
    expect(accepts({ linkLifetimeSeconds: 604_800 })).toBe(true);
    expect(accepts({ linkLifetimeSeconds: 604_801 })).toBe(false);
    expect(accepts({ linkLifetimeSeconds: 59 })).toBe(false);
  });

  it('takes an S256 challenge and its verifier, nothing weaker', () => {
    expect(accepts({ codeChallenge: 'a'.repeat(43) })).toBe(true);
    expect(accepts({ codeChallenge: 'a'.repeat(42) })).toBe(false);
    expect(accepts({ codeChallenge: `${'a'.repeat(42)}=` })).toBe(false);
    expect(finishConnectSessionRequest.safeParse({ codeVerifier: 'a'.repeat(43) }).success).toBe(true);
    expect(finishConnectSessionRequest.safeParse({ codeVerifier: 'short' }).success).toBe(false);
  });
});
