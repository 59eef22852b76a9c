import type { HttpAnswer, ProbeVerdict, ProviderDefinition, TokenErrorVerdict } from './definition.js';
import { readBearerAnswer, readOAuthError, readStandardTokenError } from './oauth-errors.js';
import { type Option, parseOption } from './option.js';

/** CrowdStrike's clouds, by the host of their API. */
const CLOUDS = [
  { value: 'api.crowdstrike.com', label: 'US-1' },
  { value: 'api.us-2.crowdstrike.com', label: 'US-2' },
  { value: 'api.eu-1.crowdstrike.com', label: 'EU-1' },
  { value: 'api.laggar.gcw.crowdstrike.com', label: 'US-GOV-1' },
  { value: 'api.us-gov-2.crowdstrike.mil', label: 'US-GOV-2' },
] as const satisfies readonly Option[];

/** CrowdStrike Falcon, through an API client that an administrator makes. */
export const crowdstrike = {
  id: 'crowdstrike',
  name: 'CrowdStrike',
  category: 'Security',
  description: 'Work with hosts, detections, and incidents of CrowdStrike Falcon through its OAuth 2.0 API.',
  websiteUrl: 'https://www.crowdstrike.com',
  sources: [
    'https://developer.crowdstrike.com/api-reference/collections/oauth2/',
    'https://github.com/CrowdStrike/falconpy/wiki/oauth2',
    'https://github.com/CrowdStrike/psfalcon/wiki/Request-FalconToken',
  ],
  authMethods: [
    {
      id: 'client_credentials',
      kind: 'client_credentials',
      name: 'Client Credentials',
      description:
        'An administrator makes an API client in the Falcon console and picks what it may do. Authpipe trades its client ID and secret for access tokens that last 30 minutes.',
      helpUrl: 'https://falcon.crowdstrike.com/api-clients-and-keys/',
      fields: {
        clientId: {
          label: 'Client ID',
          example: '0123456789abcdef0123456789abcdef',
          description:
            'Of an API client, in the Falcon console under Support and resources, API clients and keys.',
          secret: false,
          helpUrl: 'https://falcon.crowdstrike.com/api-clients-and-keys/',
        },
        clientSecret: {
          label: 'Client secret',
          example: '40 letters and digits',
          description: 'Falcon shows it once, when the API client is made. It can be reset there.',
          secret: true,
        },
      },
      endpoints: {
        source: 'fixed',
        token: 'https://{region}/oauth2/token',
        revocation: 'https://{region}/oauth2/revoke',
      },
      clientAuthentication: 'client_secret_post',
      // What the API client may do is fixed in the console; the token request names no scopes.
      scopes: [],
      defaultScopes: [],
      acceptsOtherScopes: false,
      scopeSeparator: ' ',
      tokenRequestFormat: 'form',
      accessTokenLifetimeSeconds: 30 * 60,
      readTokenError: readFalconTokenError,
      probes: [
        {
          kind: 'request',
          url: 'https://{region}/sensors/queries/installers/ccid/v1',
          read: readFalconProbe,
        },
      ],
    },
  ],
  config: {
    region: {
      kind: 'choice',
      label: 'CrowdStrike cloud',
      description: 'The cloud that the API client was made in: the console shows it as the base URL.',
      example: 'api.eu-1.crowdstrike.com',
      required: true,
      options: CLOUDS,
      parse: (typed) => parseOption(typed, CLOUDS),
    },
  },
  api: {
    baseUrl: 'https://{region}',
    rateLimit: {
      limit: 'x-ratelimit-limit',
      remaining: 'x-ratelimit-remaining',
      reset: 'x-ratelimit-retryafter',
      resetUnit: 'epoch_seconds',
    },
    // Not published; each answer tells the caller's own. This is what the API tells a caller without a token. Hosts are
    // shared by all customers of a cloud.
    limit: { requests: 300, perSeconds: 60, countedPer: 'account' },
    readError: readBearerAnswer,
  },
} as const satisfies ProviderDefinition;

/** The token endpoint refuses with `{ errors: [{ code, message }] }` and no OAuth error: the status tells. */
function readFalconTokenError(answer: HttpAnswer): TokenErrorVerdict {
  const refused = [400, 401, 403].includes(answer.status) && readOAuthError(answer.body).error === '';
  if (!refused) return readStandardTokenError(answer);
  if (answer.status === 403) {
    return {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'CrowdStrike denied access. Check the API client’s secret, its cloud, and the allowed IP addresses in the Falcon console.',
    };
  }
  return {
    outcome: 'integration',
    reason: 'client_secret_invalid',
    detail: 'CrowdStrike refused the client ID or the client secret. Set those of an active API client.',
  };
}

/** The probe may lie outside of what the API client may do: then 403 says nothing of the token. */
function readFalconProbe(answer: HttpAnswer): ProbeVerdict {
  return answer.status === 403 ? { result: 'inconclusive', reason: null } : readBearerAnswer(answer);
}
