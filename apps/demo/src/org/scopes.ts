/** What the org can grant, in the words its consent page uses. The order is the order on the page. */
export const SCOPE_DESCRIPTIONS: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name and profile',
  email: 'See your email address',
  offline_access: 'Keep this access while you are away',
  'okta.users.read': 'Read the users of this org',
  'okta.users.manage': 'Create, change and delete users',
  'okta.apps.read': 'Read the applications of this org',
  'okta.apps.manage': 'Create, change and delete applications',
  'okta.groups.read': 'Read the groups of this org',
  'okta.groups.manage': 'Create, change and delete groups',
  'okta.policies.read': 'Read policies',
  'okta.policies.manage': 'Create, change and delete policies',
  'okta.authorizationServers.read': 'Read authorization servers',
  'okta.authorizationServers.manage': 'Create, change and delete authorization servers',
  'okta.clients.read': 'Read OAuth clients',
  'okta.clients.manage': 'Create, change and delete OAuth clients',
  'okta.logs.read': 'Read the system log',
  'okta.roles.read': 'Read admin roles',
  'okta.roles.manage': 'Assign and remove admin roles',
};

/** Every scope the org knows. Asking for another one is `invalid_scope`. */
export const ALL_SCOPES: readonly string[] = Object.keys(SCOPE_DESCRIPTIONS);

/** The scopes of Okta's management API. A Super Admin grants them to each app; the others every app has. */
export const API_SCOPES: readonly string[] = ALL_SCOPES.filter(isApiScope);

export function isApiScope(scope: string): boolean {
  return scope.startsWith('okta.');
}
