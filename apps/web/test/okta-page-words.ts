/** The words of the Okta page in order: the product page that the site has to make true. */
export const OKTA_PAGE_WORDS = [
  'Okta',
  'Security User OAuth',
  'Okta',
  "Manage users, applications, and policies through Okta's OAuth 2.0 Management API.",
  'Auth Model',
  'User OAuth',
  'Standard OAuth 2.0 authorization. A user grants consent and receives an access token. Authpipe handles refresh, rotation, and health monitoring automatically.',
  'Connection Flow',
  '1',
  'Your App',
  '2',
  'Authpipe',
  '3',
  'Okta',
  '@authpipe/node',
  '// Get a valid credential — always fresh, zero latency',
  '@authpipe/react',
  '// Drop-in React component',
  'Available Scopes',
  'Permissions you can request when connecting to Okta.',
  'openid',
  'OpenID Connect authentication',
  'profile',
  'Access to user profile information',
  'email',
  'Access to user email',
  'okta.users.read',
  'Read access to users',
  'okta.users.manage',
  'Create, update, and delete users',
  'okta.apps.read',
  'Read access to applications',
  'okta.apps.manage',
  'Create, update, and delete applications',
  'okta.groups.read',
  'Read access to groups',
  'okta.groups.manage',
  'Create, update, and delete groups',
  'okta.policies.read',
  'Read access to policies',
  'okta.policies.manage',
  'Create, update, and delete policies',
  'okta.authorizationServers.read',
  'Read access to authorization servers',
  'okta.authorizationServers.manage',
  'Create, update, and delete authorization servers',
  'okta.clients.read',
  'Read access to OAuth clients',
  'okta.clients.manage',
  'Create, update, and delete OAuth clients',
  'okta.logs.read',
  'Read access to system logs',
  'okta.roles.read',
  'Read access to roles',
  'okta.roles.manage',
  'Create, update, and delete roles',
  'What Authpipe handles for Okta',
  'OAuth Orchestration',
  'PKCE, state validation, callback handling, and provider-specific quirks — all automatic.',
  'Encrypted Vault',
  'AES-256-GCM encryption with per-tenant key isolation. OAuth tokens, API keys, and webhook secrets — never exposed to the frontend.',
  'Silent Refresh',
  'Proactive token refresh before expiry. SDK returns from local cache with zero latency.',
  'Health Monitoring',
  'Scheduled checks detect revoked tokens and expired credentials before users notice.',
  'More Security providers',
  'Ready to connect Okta?',
  'Get your first 100 connections free. Set up in minutes with our SDK.',
] as const;

/** The two snippets of the Okta page, to the character. */
export const OKTA_NODE_SNIPPET = `// Get a valid credential — always fresh, zero latency
const { credential } = await authpipe.getCredential({
  provider: 'okta',
  tenantId: 'org_acme',
  userId: 'user_123',
});
// Use the credential with the provider API
const response = await fetch('https://api.example.com/data', {
  headers: { Authorization: \`Bearer \${credential}\` },
});`;

export const OKTA_REACT_SNIPPET = `// Drop-in React component
<ConnectButton
  provider="okta"
  onSuccess={(conn) => console.log('Connected!', conn)}
/>`;
