import type { AppSetup } from './definition.js';

const CONSOLE_STEPS = [
  'In the Admin Console, open Applications, Applications, and press Create App Integration.',
  'Choose “OIDC - OpenID Connect”, then “Web Application”, and press Next.',
] as const;

const COMMON = {
  doneBy: 'a Super Administrator of your org',
  consoleUrl: 'https://{domain}/admin/apps/active',
  create: CONSOLE_STEPS,
  grantTypes: 'Under Grant type, tick “Authorization Code” and “Refresh Token”.',
  redirectUri:
    'Under Sign-in redirect URIs, put exactly this address, and remove the one that Okta suggests.',
  scopes:
    'On the app’s tab “Okta API Scopes”, press Grant for each of these. Only a Super Administrator can.',
  assignment: 'On the app’s tab “Assignments”, assign the people, or a group of them, who will connect.',
  grantedScopePrefix: 'okta.',
} as const;

/** The app of a customer's org that sends a secret. */
export const SETUP_WITH_SECRET = {
  ...COMMON,
  proof: 'Save the app. On its tab “General”, under Client Credentials, are the client ID and the secret.',
} as const satisfies AppSetup;

/**
 * The app of a customer's org that signs with a key instead: Okta fetches the public half.
 * @see https://developer.okta.com/docs/guides/client-secret-rotation-key/main/
 */
export const SETUP_WITH_KEY = {
  ...COMMON,
  proof:
    'Save the app. On its tab “General”, under Client Credentials, press Edit, choose “Public key / Private key”, then “Use a URL to fetch keys dynamically”, and put this address.',
} as const satisfies AppSetup;

/** The refusals at `/authorize` that an administrator has to mend. */
export function readOktaAuthorizationError(error: string, description: string): string | null {
  if (error === 'access_denied' && /not assigned/i.test(description)) {
    return 'You are not assigned to the Okta app. An administrator has to assign you on the app’s tab “Assignments”.';
  }
  if (error === 'access_denied' && /policy/i.test(description)) {
    return 'A sign-in policy of your Okta org does not let you use the app. An administrator has to change it.';
  }
  if (error === 'consent_required' || error === 'invalid_scope') {
    return 'The scopes are not granted to the Okta app. A Super Administrator has to grant them on the app’s tab “Okta API Scopes”.';
  }
  return null;
}
