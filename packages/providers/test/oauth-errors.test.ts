import { describe, expect, it } from '@jest/globals';
import { readBearerAnswer, readOAuthError, readStandardTokenError } from '../src/oauth-errors.js';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body,
});

describe('a standard error of a token endpoint', () => {
  it.each([
    [400, { error: 'invalid_grant' }, 'reconnect', 'revoked'],
    [403, { error: 'invalid_grant' }, 'reconnect', 'revoked'],
    [400, { error: 'invalid_grant', error_description: 'Invalid authorization code' }, 'code_rejected', null],
    [400, { error: 'invalid_grant', error_description: 'code_verifier mismatch' }, 'code_rejected', null],
    [400, { error: 'invalid_grant', error_description: 'redirect_uri mismatch' }, 'code_rejected', null],
    [400, { error: 'interaction_required' }, 'reconnect', 'consent_required'],
    [400, { error: 'login_required' }, 'reconnect', 'consent_required'],
    [401, { error: 'invalid_client' }, 'integration', 'client_secret_invalid'],
    [400, { error: 'unauthorized_client' }, 'integration', 'configuration'],
    [400, { error: 'unsupported_grant_type' }, 'integration', 'configuration'],
    [400, { error: 'invalid_scope' }, 'configuration', 'configuration'],
    [400, { error: 'access_denied' }, 'configuration', 'configuration'],
    [400, { error: 'invalid_request' }, 'configuration', 'configuration'],
    [400, { error: 'temporarily_unavailable' }, 'transient', 'provider_down'],
    [400, { error: 'slow_down' }, 'transient', 'rate_limited'],
    [400, { error: 'use_dpop_nonce' }, 'use_dpop_nonce', null],
    [429, { error: 'invalid_grant' }, 'transient', 'rate_limited'],
    [502, '<html>Bad Gateway</html>', 'transient', 'provider_down'],
    [400, { error: 'something_new' }, 'transient', 'provider_down'],
    [404, undefined, 'transient', 'provider_down'],
  ])('%i %j → %s, %s', (status, body, outcome, reason) => {
    expect(readStandardTokenError(answer(status, body))).toMatchObject({ outcome, reason });
  });
});

describe('the members of an OAuth error', () => {
  it('are empty where the body holds none', () => {
    for (const body of [
      undefined,
      null,
      'error=x',
      [],
      3,
      { error: 4, error_description: {} },
      Object.create({ error: 'x' }),
    ]) {
      expect(readOAuthError(body)).toEqual({ error: '', description: '' });
    }
  });
});

describe('an answer to a bearer token', () => {
  it.each([
    [200, {}, 'ok', null],
    [401, { 'www-authenticate': 'Bearer error="invalid_token"' }, 'dead', 'revoked'],
    [403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a"' }, 'degraded', 'scope_lost'],
    [403, { 'www-authenticate': 'Bearer error=insufficient_scope' }, 'degraded', 'scope_lost'],
    [403, {}, 'degraded', 'role_lost'],
    [404, {}, 'inconclusive', null],
    [302, {}, 'inconclusive', null],
    [429, {}, 'inconclusive', 'rate_limited'],
    [503, {}, 'inconclusive', 'provider_down'],
  ])('%i %j → %s, %s', (status, headers, result, reason) => {
    expect(readBearerAnswer(answer(status, undefined, headers))).toEqual({ result, reason });
  });
});
