import { describe, expect, it } from '@jest/globals';
import { authMethodOf, findProvider, type ProviderId, providers, providersInCategory } from '../src/index.js';

describe('the catalogue', () => {
  it('opens with Okta', () => {
    expect(providers[0]?.id).toBe('okta');
  });

  it('finds a provider by its id, and nothing by an id that it lacks', () => {
    const id: ProviderId = 'snyk';
    expect(findProvider(id)?.name).toBe('Snyk');
    expect(findProvider('Okta')).toBeUndefined();
    expect(findProvider('constructor')).toBeUndefined();
    // @ts-expect-error The ids are a union, so that a wrong one shows in the editor.
    const wrong: ProviderId = 'octa';
    expect(findProvider(wrong)).toBeUndefined();
  });

  it('gives the first auth method by default, another by its id', () => {
    const auth0 = findProvider('auth0')!;
    expect(authMethodOf(auth0)?.id).toBe('user_oauth');
    expect(authMethodOf(auth0, 'client_credentials')?.kind).toBe('client_credentials');
    expect(authMethodOf(auth0, 'basic')).toBeUndefined();
  });

  it('has five providers on the Security shelf and keeps their order', () => {
    expect(providersInCategory('Security').map(({ id }) => id)).toEqual([
      'okta',
      'auth0',
      'snyk',
      'crowdstrike',
      'jumpcloud',
    ]);
    expect(providersInCategory('CRM')).toEqual([]);
  });
});
