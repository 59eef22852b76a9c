import { describe, expect, it } from '@jest/globals';
import { readOktaApiAnswer } from '../src/okta-errors.js';

const errorOf = (status: number, errorCode: string) => ({
  status,
  headers: {},
  body: {
    errorCode,
    errorSummary: 'words that change',
    errorLink: errorCode,
    errorId: 'oae1',
    errorCauses: [],
  },
});

const challenged = (status: number, challenge: string) => ({
  status,
  headers: { 'www-authenticate': challenge },
  body: undefined,
});

describe('an answer of Okta’s management API', () => {
  it.each([
    ['an invalid token', 401, 'E0000011', 'dead', 'revoked'],
    ['a failed authentication', 401, 'E0000004', 'dead', 'revoked'],
    ['a feature that is not enabled, though it is a 401', 401, 'E0000015', 'inconclusive', null],
    ['a lost admin role', 403, 'E0000006', 'degraded', 'role_lost'],
    ['an endpoint that takes no OAuth token', 403, 'E0000005', 'inconclusive', null],
    ['a rate limit', 429, 'E0000047', 'inconclusive', 'rate_limited'],
    ['a fault of Okta’s', 500, 'E0000009', 'inconclusive', 'provider_down'],
    ['an unknown user', 404, 'E0000007', 'inconclusive', null],
  ])('tells %s', (_, status, code, result, reason) => {
    expect(readOktaApiAnswer(errorOf(status, code))).toEqual({ result, reason });
  });

  it('finds a missing scope in the challenge of an empty 403', () => {
    const challenge =
      'Bearer authorization_uri="http://acme.okta.com/oauth2/v1/authorize", realm="http://acme.okta.com", scope="okta.groups.read", error="insufficient_scope", error_description="The access token provided does not contain the required scopes."';
    expect(readOktaApiAnswer(challenged(403, challenge))).toEqual({
      result: 'degraded',
      reason: 'scope_lost',
    });
  });

  it('believes the challenge more than the body, where both tell', () => {
    const answer = {
      ...challenged(403, 'Bearer error="insufficient_scope"'),
      body: { errorCode: 'E0000006' },
    };
    expect(readOktaApiAnswer(answer)).toEqual({ result: 'degraded', reason: 'scope_lost' });
  });

  it('does not call a token dead because DPoP was switched on', () => {
    expect(readOktaApiAnswer(challenged(400, 'DPoP error="invalid_dpop_proof"'))).toEqual({
      result: 'degraded',
      reason: 'configuration',
    });
  });

  it('calls a 401 of userinfo dead', () => {
    expect(readOktaApiAnswer(challenged(401, 'Bearer error="invalid_token"'))).toEqual({
      result: 'dead',
      reason: 'revoked',
    });
  });

  it('calls a 200 good, whatever it holds', () => {
    expect(readOktaApiAnswer({ status: 200, headers: {}, body: { errorCode: 'E0000011' } }).result).toBe(
      'ok',
    );
    expect(readOktaApiAnswer({ status: 204, headers: {}, body: undefined }).result).toBe('ok');
  });
});
