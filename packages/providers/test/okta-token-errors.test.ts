import { describe, expect, it } from '@jest/globals';
import { readOktaTokenError } from '../src/okta-errors.js';

const answer = (status: number, error: string, description = '') => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: { error, error_description: description },
});

describe('an error of Okta’s token endpoint', () => {
  it.each([
    [400, 'invalid_grant', 'The refresh token is invalid or expired.', 'reconnect', 'revoked'],
    [400, 'invalid_grant', 'The authorization code is invalid or has expired.', 'code_rejected', null],
    [400, 'invalid_grant', 'PKCE verification failed.', 'code_rejected', null],
    [
      400,
      'invalid_grant',
      "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
      'code_rejected',
      null,
    ],
    [
      429,
      'invalid_grant',
      'API call exceeded rate limit due to too many requests.',
      'transient',
      'rate_limited',
    ],
    [
      400,
      'access_denied',
      'User is not assigned to the client application.',
      'configuration',
      'configuration',
    ],
    [
      403,
      'access_denied',
      "The request was made from an IP outside the client's permitted network zones.",
      'configuration',
      'configuration',
    ],
    [400, 'access_denied', 'Policy evaluation failed for this request.', 'configuration', 'configuration'],
    [
      400,
      'consent_required',
      'You are not allowed any of the requested scopes.',
      'configuration',
      'consent_required',
    ],
    [
      400,
      'invalid_scope',
      'One or more scopes are not configured for the authorization server resource.',
      'configuration',
      'configuration',
    ],
    [
      401,
      'invalid_client',
      'The client secret supplied for a confidential client is invalid.',
      'integration',
      'client_secret_invalid',
    ],
    [401, 'invalid_client', 'The client application is inactive.', 'integration', 'app_deactivated'],
    [401, 'invalid_client', '', 'integration', 'client_secret_invalid'],
    [400, 'temporarily_unavailable', '', 'transient', 'provider_down'],
    [400, 'use_dpop_nonce', 'Authorization server requires nonce in DPoP proof.', 'use_dpop_nonce', null],
    [500, 'server_error', '', 'transient', 'provider_down'],
    [503, 'invalid_grant', 'The refresh token is invalid or expired.', 'transient', 'provider_down'],
  ])('%i %s %j → %s, %s', (status, error, description, outcome, reason) => {
    expect(readOktaTokenError(answer(status, error, description))).toMatchObject({ outcome, reason });
  });

  it('tells a network zone from a missing assignment', () => {
    expect(readOktaTokenError(answer(403, 'access_denied')).detail).toMatch(/network zones/);
    const unassigned = answer(400, 'access_denied', 'User is not assigned to the client application.');
    expect(readOktaTokenError(unassigned).detail).toMatch(/assign the user/);
  });

  it('never makes a person reconnect for an answer that it can’t read', () => {
    for (const body of [
      undefined,
      null,
      '',
      '<html>Bad Request</html>',
      [],
      7,
      { error: { code: 1 } },
      { error: null },
    ]) {
      expect(readOktaTokenError({ status: 400, headers: {}, body }).outcome).toBe('transient');
    }
  });

  it('repeats nothing of what Okta said', () => {
    const verdict = readOktaTokenError(answer(400, 'invalid_grant', 'token 0oaSECRET is invalid'));
    expect(JSON.stringify(verdict)).not.toContain('0oaSECRET');
  });
});
