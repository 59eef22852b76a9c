import { describe, expect, it } from '@jest/globals';
import { findProvider } from '../src/index.js';

/** The facts of Okta's product page, in its order. */
const PAGE = {
  name: 'Okta',
  category: 'Security',
  description: "Manage users, applications, and policies through Okta's OAuth 2.0 Management API.",
  authModel: 'User OAuth',
  authModelDescription:
    'Standard OAuth 2.0 authorization. A user grants consent and receives an access token. Authpipe handles refresh, rotation, and health monitoring automatically.',
  scopes: [
    ['openid', 'OpenID Connect authentication'],
    ['profile', 'Access to user profile information'],
    ['email', 'Access to user email'],
    ['okta.users.read', 'Read access to users'],
    ['okta.users.manage', 'Create, update, and delete users'],
    ['okta.apps.read', 'Read access to applications'],
    ['okta.apps.manage', 'Create, update, and delete applications'],
    ['okta.groups.read', 'Read access to groups'],
    ['okta.groups.manage', 'Create, update, and delete groups'],
    ['okta.policies.read', 'Read access to policies'],
    ['okta.policies.manage', 'Create, update, and delete policies'],
    ['okta.authorizationServers.read', 'Read access to authorization servers'],
    ['okta.authorizationServers.manage', 'Create, update, and delete authorization servers'],
    ['okta.clients.read', 'Read access to OAuth clients'],
    ['okta.clients.manage', 'Create, update, and delete OAuth clients'],
    ['okta.logs.read', 'Read access to system logs'],
    ['okta.roles.read', 'Read access to roles'],
    ['okta.roles.manage', 'Create, update, and delete roles'],
  ],
};

describe('Okta’s product page', () => {
  const okta = findProvider('okta');
  const method = okta?.authMethods[0];

  it('names the provider as the page does', () => {
    expect(okta?.name).toBe(PAGE.name);
    expect(okta?.category).toBe(PAGE.category);
    expect(okta?.description).toBe(PAGE.description);
  });

  it('describes the auth model as the page does', () => {
    expect(method?.name).toBe(PAGE.authModel);
    expect(method?.description).toBe(PAGE.authModelDescription);
  });

  it('lists the page’s 18 scopes with their words, in order', () => {
    const scopes = method?.kind === 'oauth2' ? method.scopes : [];
    expect(scopes.map(({ name, description }) => [name, description])).toEqual(PAGE.scopes);
    expect(scopes).toHaveLength(18);
  });
});
