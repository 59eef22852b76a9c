import type { SnippetLanguage } from '../code/tokenize.js';

/** One step: what to do, why, and the lines to paste. */
export interface QuickstartStep {
  readonly title: string;
  readonly text: string;
  /** Where the lines go. */
  readonly label: string;
  readonly code: string;
  readonly language: SnippetLanguage;
}

export const QUICKSTART_STEPS: readonly QuickstartStep[] = [
  {
    title: 'Tell Authpipe about your OAuth app',
    text: 'In the Okta admin console, create an OIDC web app, allow its Refresh Token grant and use this server’s /connect/callback as the redirect URI. Authpipe seals the client secret; no answer ever shows it again.',
    label: 'Terminal',
    language: 'shell',
    code: `curl -X PUT "$AUTHPIPE_URL/v1/integrations/okta" \\
  -H "Authorization: Bearer $AUTHPIPE_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "clientId": "0oa1b2c3d4",
    "clientSecret": "the secret of your Okta app",
    "config": { "domain": "acme.okta.com" },
    "scopes": ["openid", "profile", "email", "okta.users.read"]
  }'`,
  },
  {
    title: 'Mint a session in your backend',
    text: 'A session lets one user of one tenant connect, from the origins you name. Its token is all that the browser gets.',
    label: 'Your backend',
    language: 'tsx',
    code: `import { Authpipe } from '@authpipe/node';

const authpipe = new Authpipe({
  apiKey: process.env.AUTHPIPE_API_KEY,
  baseUrl: process.env.AUTHPIPE_URL,
});

const { token } = await authpipe.createConnectSession({
  tenantId: 'org_acme',
  userId: 'user_123',
  allowedOrigins: ['https://app.example.com'],
});`,
  },
  {
    title: 'Put the button on your page',
    text: 'It opens the hosted page in a popup and follows the session until it is done. The credential never passes through the browser.',
    label: 'Your page',
    language: 'tsx',
    code: `import { AuthpipeProvider, ConnectButton } from '@authpipe/react';

<AuthpipeProvider session={token}>
  <ConnectButton
    provider="okta"
    onSuccess={(conn) => console.log('Connected!', conn)}
  />
</AuthpipeProvider>`,
  },
  {
    title: 'Call the provider',
    text: 'Warm reads come from the process’s own cache. Where a person has to connect again, the call throws an error with the code needs_reconnect.',
    label: 'Your backend, later',
    language: 'tsx',
    code: `const { credential, baseUrl } = await authpipe.getCredential({
  provider: 'okta',
  tenantId: 'org_acme',
  userId: 'user_123',
});
const users = await fetch(\`\${baseUrl}/api/v1/users\`, {
  headers: { Authorization: \`Bearer \${credential}\` },
});`,
  },
];
