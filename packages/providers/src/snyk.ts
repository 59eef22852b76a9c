import type { ProviderDefinition } from './definition.js';
import { readBearerAnswer, readStandardTokenError, textAt } from './oauth-errors.js';
import { type Option, parseOption } from './option.js';

/** Snyk's multi-tenant regions, by the domain that their hosts `app.` and `api.` stand before. */
const REGIONS = [
  { value: 'snyk.io', label: 'SNYK-US-01' },
  { value: 'us.snyk.io', label: 'SNYK-US-02' },
  { value: 'eu.snyk.io', label: 'SNYK-EU-01' },
  { value: 'au.snyk.io', label: 'SNYK-AU-01' },
] as const satisfies readonly Option[];

/** Who am I. REST calls name a dated version. */
const SELF = 'https://api.{region}/rest/self?version=2024-06-10';

/** Snyk, through a Snyk App. Its refresh tokens work once. */
export const snyk = {
  id: 'snyk',
  name: 'Snyk',
  category: 'Security',
  description: 'Read and manage projects, issues, and reports of Snyk organizations through a Snyk App.',
  websiteUrl: 'https://snyk.io',
  sources: [
    'https://docs.snyk.io/snyk-api/oauth2-api',
    'https://docs.snyk.io/snyk-api/using-specific-snyk-apis/snyk-apps-apis/scopes-to-request',
    'https://docs.snyk.io/snyk-api/using-specific-snyk-apis/snyk-apps-apis/set-up-a-snyk-app-using-the-oauth2-api/set-up-the-refresh-token-exchange',
    'https://docs.snyk.io/snyk-api/using-specific-snyk-apis/snyk-apps-apis/set-up-a-snyk-app-using-the-oauth2-api/revoke-compromised-refresh-tokens',
    'https://docs.snyk.io/snyk-data-and-governance/regional-hosting-and-data-residency',
  ],
  authMethods: [
    {
      id: 'user_oauth',
      kind: 'oauth2',
      name: 'User OAuth',
      description:
        'A user installs the Snyk App in an organization and consents to its scopes. Each refresh replaces the refresh token, and the old one is dead at once: Authpipe makes sure that it is used by one refresh only.',
      helpUrl:
        'https://docs.snyk.io/snyk-api/using-specific-snyk-apis/snyk-apps-apis/create-a-snyk-app-using-the-snyk-api',
      endpoints: {
        source: 'fixed',
        authorization: 'https://app.{region}/oauth2/authorize',
        token: 'https://api.{region}/oauth2/token',
        revocation: 'https://api.{region}/oauth2/revoke',
      },
      clientAuthentication: 'client_secret_post',
      pkce: 'S256',
      openidConnect: false,
      scopes: [
        { name: 'org.read', description: 'View organization information and settings' },
        { name: 'org.edit', description: 'Edit organization information and settings' },
        { name: 'org.report.read', description: 'View reports' },
        { name: 'org.project.read', description: 'View projects and targets' },
        { name: 'org.project.create', description: 'Add projects' },
        { name: 'org.project.edit', description: 'Edit projects' },
        { name: 'org.project.delete', description: 'Remove projects and targets' },
        { name: 'org.project.status', description: 'Activate and deactivate projects' },
        { name: 'org.project.test', description: 'Test projects' },
        { name: 'org.project.ignore.read', description: 'View ignores of projects' },
        { name: 'org.project.ignore.create', description: 'Create ignores of projects' },
        { name: 'org.project.ignore.edit', description: 'Edit ignores of projects' },
        { name: 'org.project.ignore.delete', description: 'Remove ignores of projects' },
        { name: 'org.project.tag.edit', description: 'Create, apply, and remove tags of projects' },
        { name: 'org.project.pr.create', description: 'Create pull requests with fixes' },
        { name: 'org.project.pr.skip', description: 'Mark failed checks of pull requests as successful' },
        { name: 'org.project.jira.issue.read', description: 'View Jira issues' },
        { name: 'org.project.jira.issue.create', description: 'Create Jira issues' },
        { name: 'org.package.test', description: 'Test packages' },
      ],
      // Snyk wants org.read of every app.
      defaultScopes: ['org.read', 'org.project.read'],
      impliedScopes: [],
      acceptsOtherScopes: true,
      scopeSeparator: ' ',
      tokenRequestFormat: 'form',
      // The shortest that an app may be set to, up to a day.
      accessTokenLifetimeSeconds: 3_600,
      refreshToken: { rotation: 'single_use', graceSeconds: 0 },
      readTokenError: readStandardTokenError,
      account: { url: SELF, read: readSelf },
      probes: [{ kind: 'request', url: SELF, read: readBearerAnswer }],
    },
  ],
  config: {
    region: {
      kind: 'choice',
      label: 'Snyk region',
      description: 'Where the organization’s data lives: the end of the address that you sign in at.',
      example: 'eu.snyk.io',
      required: true,
      options: REGIONS,
      helpUrl: 'https://docs.snyk.io/snyk-data-and-governance/regional-hosting-and-data-residency',
      parse: (typed) => parseOption(typed, REGIONS, (host) => host.replace(/^(?:app|api)\./, '')),
    },
  },
  api: {
    baseUrl: 'https://api.{region}',
    // By token; its number is not published, so this is a careful guess. Hosts are shared by all customers of a region.
    limit: { requests: 600, perSeconds: 60, countedPer: 'account' },
    readError: readBearerAnswer,
  },
  webhooks: {
    kind: 'hmac',
    header: 'x-hub-signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'sha256=',
    signed: '{body}',
    source:
      'https://docs.snyk.io/snyk-api/how-to-use-snyk-webhooks-apis/validation-and-versioning-of-payloads',
  },
} as const satisfies ProviderDefinition;

/** The JSON:API answer of `GET /rest/self`. */
function readSelf(body: unknown): { id: string; name?: string; email?: string } | null {
  const data = memberOf(body, 'data');
  const id = textAt(data, 'id');
  if (id === '') return null;
  const attributes = memberOf(data, 'attributes');
  const name = textAt(attributes, 'name');
  const email = textAt(attributes, 'email');
  return { id, ...(name ? { name } : {}), ...(email ? { email } : {}) };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
