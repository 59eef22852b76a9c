import { describe, expect, it } from '@jest/globals';
import { authMethodOf, fillUrl, findProvider, type OAuthCodeMethod } from '../src/index.js';
import { okta } from '../src/okta.js';

const method: OAuthCodeMethod = okta.authMethods[0];
const config = { domain: 'acme.okta.com' };

describe('Okta’s definition', () => {
  it('is the first auth method’s default of the catalogue entry', () => {
    expect(authMethodOf(findProvider('okta')!)?.id).toBe('user_oauth');
  });

  it('finds its endpoints at the org’s own authorization server, which alone issues okta.* scopes', () => {
    const { endpoints } = method;
    expect(endpoints.source).toBe('discovery');
    if (endpoints.source !== 'discovery') return;
    expect(fillUrl(endpoints.issuer, config)).toBe('https://acme.okta.com');
    expect(endpoints.metadataPath).toBe('/.well-known/openid-configuration');
  });

  it('adds offline_access by itself, without which there is no refresh token', () => {
    expect(method.impliedScopes).toEqual(['offline_access']);
  });

  it('asks for openid by default, so that an ID token names the account', () => {
    expect(method.defaultScopes).toContain('openid');
  });

  it('takes scopes that Okta may add later', () => {
    expect(method.acceptsOtherScopes).toBe(true);
  });

  it('knows that a grant ends after 90 days, and that an old refresh token answers for 30 seconds', () => {
    expect(method.refreshToken).toEqual({
      rotation: 'optional_rotation',
      graceSeconds: 30,
      absoluteLifetimeSeconds: 90 * 24 * 60 * 60,
    });
  });

  it('takes an access token to live for an hour where the answer does not say', () => {
    expect(method.accessTokenLifetimeSeconds).toBe(3_600);
  });

  it('probes by introspection first, then userinfo, then the lists that need a role', () => {
    expect(method.probes.map((probe) => probe.kind)).toEqual([
      'introspection',
      'userinfo',
      'request',
      'request',
      'request',
    ]);
    const [, , request] = method.probes;
    if (request?.kind !== 'request') throw new Error('the third probe is a request');
    expect(fillUrl(request.url, config)).toBe('https://acme.okta.com/api/v1/users?limit=1');
    expect(request.scopes).toEqual(['okta.users.read']);
  });

  it('reads Okta’s rate limit headers, whose reset is in epoch seconds', () => {
    expect(okta.api.rateLimit).toEqual({
      limit: 'x-rate-limit-limit',
      remaining: 'x-rate-limit-remaining',
      reset: 'x-rate-limit-reset',
      resetUnit: 'epoch_seconds',
    });
  });
});

describe('Okta’s account without an ID token', () => {
  it('is the user of /users/me', () => {
    const body = {
      id: '00u1',
      profile: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com', login: 'ada' },
    };
    expect(method.account?.read(body)).toEqual({
      id: '00u1',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
    });
  });

  it('leaves out what the profile does not tell', () => {
    expect(method.account?.read({ id: '00u1', profile: { firstName: 'Ada' } })).toEqual({
      id: '00u1',
      name: 'Ada',
    });
    expect(method.account?.read({ id: '00u1' })).toEqual({ id: '00u1' });
  });

  it.each([[null], ['text'], [[]], [{}], [{ id: 7 }]])('is unknown for %j', (body) => {
    expect(method.account?.read(body)).toBeNull();
  });
});

describe('Okta’s service apps', () => {
  const service = okta.authMethods[1];

  it('sign with a key, and have no user to send anywhere', () => {
    expect(service).toMatchObject({
      ...{ id: 'service_app', kind: 'client_credentials', clientAuthentication: 'private_key_jwt' },
      ...{ endpoints: method.endpoints, accessTokenLifetimeSeconds: 3600, unlisted: true },
    });
  });

  it('ask for scopes of the management API alone: there is no ID token', () => {
    const names = service.scopes.map(({ name }) => name);
    expect(names).toHaveLength(15);
    expect(names.every((name) => name.startsWith('okta.'))).toBe(true);
    expect(names).toEqual(expect.arrayContaining([...service.defaultScopes]));
  });

  it('tell a missing proof from a dead grant', () => {
    const body = { error: 'invalid_dpop_proof', error_description: 'The DPoP proof JWT header is missing.' };
    expect(service.readTokenError({ status: 400, headers: {}, body })).toMatchObject({
      outcome: 'configuration',
    });
  });
});
