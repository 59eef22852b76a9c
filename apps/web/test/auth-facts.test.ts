import { findProvider, type ProviderDefinition } from '@authpipe/providers';
import { describe, expect, test } from '@jest/globals';
import { authFacts } from '../src/provider-page/auth-facts.js';
import { durationInWords } from '../src/provider-page/duration.js';

const factsOf = (id: string): Record<string, string> =>
  Object.fromEntries(
    authFacts(findProvider(id) as ProviderDefinition).map(({ name, value }) => [name, value]),
  );

describe('the facts beside the auth model', () => {
  test('tell Okta’s grant, its end and what to type', () => {
    expect(factsOf('okta')).toMatchObject({
      Grant: 'Authorization code with PKCE (S256)',
      Account: 'Named by OpenID Connect',
      'Grant ends': '90 days after consent',
      Setting: 'Okta domain (acme.okta.com)',
    });
  });

  test('tell that client credentials have no person and no refresh token', () => {
    expect(factsOf('crowdstrike')).toMatchObject({
      'Sign-in': 'None: an API client, not a person',
      'Access token': '30 minutes, unless CrowdStrike says otherwise',
      'Refresh token': 'None: a new access token is asked for',
    });
  });

  test('tell no lifetime of access tokens where the vendor documents none', () => {
    const okta = findProvider('okta') as ProviderDefinition;
    const [method] = okta.authMethods;
    if (method.kind !== 'oauth2') throw new Error('Okta’s first method is not OAuth.');
    const undocumented = { ...okta, authMethods: [{ ...method, accessTokenLifetimeSeconds: null }] as const };
    expect(authFacts(undocumented)).toContainEqual({ name: 'Access token', value: 'As long as Okta says' });
  });

  test('tell the header that an API key goes in', () => {
    expect(factsOf('jumpcloud')).toMatchObject({ 'Sent as': 'x-api-key' });
  });
});

test.each([
  [1, '1 second'],
  [90, '90 seconds'],
  [1800, '30 minutes'],
  [3600, '1 hour'],
  [5400, '90 minutes'],
  [7_776_000, '90 days'],
])('%d seconds read as %s', (seconds, words) => {
  expect(durationInWords(seconds)).toBe(words);
});
