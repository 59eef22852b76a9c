import type { HttpAnswer, ProbeVerdict, ProviderDefinition } from './definition.js';
import { readBearerAnswer } from './oauth-errors.js';
import { type Option, parseOption } from './option.js';

/** JumpCloud's regions, by the host of their console, which is the API's too. */
const REGIONS = [
  { value: 'console.jumpcloud.com', label: 'United States' },
  { value: 'console.eu.jumpcloud.com', label: 'Europe' },
  { value: 'console.in.jumpcloud.com', label: 'India' },
] as const satisfies readonly Option[];

/** JumpCloud, with an administrator's API key. */
export const jumpcloud = {
  id: 'jumpcloud',
  name: 'JumpCloud',
  category: 'Security',
  description: 'Manage users, systems, and commands of a JumpCloud organization through its API.',
  websiteUrl: 'https://jumpcloud.com',
  sources: ['https://docs.jumpcloud.com/api/1.0/index.html', 'https://docs.jumpcloud.com/api/2.0/index.html'],
  authMethods: [
    {
      id: 'api_key',
      kind: 'api_key',
      name: 'API Key',
      description:
        'An administrator pastes their API key into Authpipe’s own form. The key may do whatever that administrator may, and stays until it is replaced or expires.',
      helpUrl: 'https://docs.jumpcloud.com/api/1.0/index.html#section/API-Key',
      fields: {
        apiKey: {
          label: 'API key',
          example: '0123456789abcdef0123456789abcdef01234567',
          pattern: '[A-Za-z0-9_-]{32,128}',
          secret: true,
          description: 'Of an administrator: in the Admin Portal, under your initials, My API Key.',
          helpUrl: 'https://docs.jumpcloud.com/api/1.0/index.html#section/API-Key/Access-Your-API-Key',
        },
      },
      headers: { 'x-api-key': '{apiKey}' },
      tokenType: 'ApiKey',
      probes: [
        { kind: 'request', url: 'https://{region}/api/organizations?limit=1', read: readJumpcloudAnswer },
      ],
    },
  ],
  config: {
    region: {
      kind: 'choice',
      label: 'JumpCloud region',
      description: 'The host of the admin console that you sign in at.',
      example: 'console.jumpcloud.com',
      required: true,
      options: REGIONS,
      parse: (typed) => parseOption(typed, REGIONS),
    },
  },
  api: {
    baseUrl: 'https://{region}',
    // Not documented in numbers; hosts are shared by all customers of a region.
    limit: { requests: 600, perSeconds: 60, countedPer: 'account' },
    readError: readJumpcloudAnswer,
  },
} as const satisfies ProviderDefinition;

/** A key that was replaced, or has expired, is refused with 401. */
function readJumpcloudAnswer(answer: HttpAnswer): ProbeVerdict {
  return answer.status === 401 ? { result: 'dead', reason: 'key_invalid' } : readBearerAnswer(answer);
}
