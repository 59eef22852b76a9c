import { describe, expect, it } from '@jest/globals';
import { auth0 } from '../src/auth0.js';
import { crowdstrike } from '../src/crowdstrike.js';
import { fillParams, fillUrl, parseConfig } from '../src/index.js';
import { jumpcloud } from '../src/jumpcloud.js';
import { snyk } from '../src/snyk.js';

const answer = (status: number, body?: unknown) => ({ status, headers: {}, body });

describe('Auth0', () => {
  const [code, clientCredentials] = auth0.authMethods;
  const refused = (status: number, error: string, error_description: string) =>
    code.readTokenError(answer(status, { error, error_description }));

  it('asks for tokens of the tenant’s own Management API', () => {
    const audience = { audience: 'https://acme.eu.auth0.com/api/v2/' };
    expect(fillParams(code.authorizationParams, { domain: 'acme.eu.auth0.com' })).toEqual(audience);
    expect(fillParams(clientCredentials.tokenParams, { domain: 'acme.eu.auth0.com' })).toEqual(audience);
  });

  it('has an issuer that ends in a slash', () => {
    expect(fillUrl(code.endpoints.issuer, { domain: 'acme.eu.auth0.com' })).toBe(
      'https://acme.eu.auth0.com/',
    );
  });

  it.each([
    [403, 'invalid_grant', 'Unknown or invalid refresh token.', 'reconnect', 'revoked'],
    [403, 'access_denied', 'Unknown or invalid refresh token.', 'reconnect', 'revoked'],
    [403, 'invalid_grant', 'Invalid authorization code', 'code_rejected', null],
    [401, 'unauthorized', 'user is blocked', 'reconnect', 'user_deactivated'],
    [401, 'access_denied', 'Unauthorized', 'integration', 'client_secret_invalid'],
    [403, 'access_denied', 'Client is not authorized to access this API', 'configuration', 'configuration'],
    [429, 'too_many_requests', 'Global limit has been reached', 'transient', 'rate_limited'],
  ])('reads %i %s %j', (status, error, description, outcome, reason) => {
    expect(refused(status, error, description)).toMatchObject({ outcome, reason });
  });

  it.each(['acme.auth0.com', 'acme.eu.auth0.com', 'https://acme-prod.us.auth0.com/'])(
    'takes the tenant %s',
    (domain) => {
      expect(parseConfig(auth0, { domain }).ok).toBe(true);
    },
  );

  it.each([
    'auth0.com',
    'manage.auth0.com',
    'login.acme.com',
    'acme.auth0.com.evil.net',
    'a.b.c.auth0.com',
    'evilauth0.com',
  ])('refuses %s', (domain) => expect(parseConfig(auth0, { domain }).ok).toBe(false));
});

describe('Snyk', () => {
  const [method] = snyk.authMethods;

  it('has refresh tokens that work once', () => {
    expect(method.refreshToken).toEqual({ rotation: 'single_use', graceSeconds: 0 });
  });

  it('authorizes at one host and answers at another, both of the region', () => {
    expect(fillUrl(method.endpoints.authorization, { region: 'eu.snyk.io' })).toBe(
      'https://app.eu.snyk.io/oauth2/authorize',
    );
    expect(fillUrl(method.endpoints.token, { region: 'snyk.io' })).toBe('https://api.snyk.io/oauth2/token');
  });

  it.each([
    ['eu.snyk.io', 'eu.snyk.io'],
    ['SNYK-EU-01', 'eu.snyk.io'],
    ['https://app.eu.snyk.io/', 'eu.snyk.io'],
    ['api.snyk.io', 'snyk.io'],
  ])('takes the region %j', (region, stored) => {
    expect(parseConfig(snyk, { region })).toEqual({ ok: true, config: { region: stored } });
  });

  it('refuses another region, and names those that there are', () => {
    const parsed = parseConfig(snyk, { region: 'evil.net' });
    expect(parsed).toMatchObject({
      errors: [{ error: expect.stringMatching(/au\.snyk\.io \(SNYK-AU-01\)/) }],
    });
  });

  it('reads the account of /rest/self', () => {
    const body = { data: { type: 'user', id: 'u1', attributes: { name: 'Ada', email: 'ada@example.com' } } };
    expect(method.account.read(body)).toEqual({ id: 'u1', name: 'Ada', email: 'ada@example.com' });
    expect(method.account.read({ data: null })).toBeNull();
  });
});

describe('CrowdStrike', () => {
  const [method] = crowdstrike.authMethods;

  it.each([
    ['US-1', 'https://api.crowdstrike.com/oauth2/token'],
    ['eu-1', 'https://api.eu-1.crowdstrike.com/oauth2/token'],
    ['US-GOV-1', 'https://api.laggar.gcw.crowdstrike.com/oauth2/token'],
  ])('asks the cloud %s at %s', (region, token) => {
    const parsed = parseConfig(crowdstrike, { region });
    expect(parsed.ok && fillUrl(method.endpoints.token, parsed.config)).toBe(token);
  });

  it.each([
    [401, 'integration', 'client_secret_invalid'],
    [400, 'integration', 'client_secret_invalid'],
    [403, 'configuration', 'configuration'],
    [429, 'transient', 'rate_limited'],
    [500, 'transient', 'provider_down'],
  ])('reads a refusal with %i by its status', (status, outcome, reason) => {
    const body = { errors: [{ code: status, message: 'access denied' }] };
    expect(method.readTokenError(answer(status, body))).toMatchObject({ outcome, reason });
  });

  it('says nothing of a token whose API client may not see the probe', () => {
    expect(method.probes[0].read(answer(403)).result).toBe('inconclusive');
    expect(method.probes[0].read(answer(401)).result).toBe('dead');
    expect(method.probes[0].read(answer(200)).result).toBe('ok');
  });
});

describe('JumpCloud', () => {
  const [method] = jumpcloud.authMethods;

  it('sends the key in x-api-key', () => {
    expect(method.headers).toEqual({ 'x-api-key': '{apiKey}' });
  });

  it('calls a refused key dead', () => {
    expect(method.probes[0].read(answer(401))).toEqual({ result: 'dead', reason: 'key_invalid' });
  });
});
