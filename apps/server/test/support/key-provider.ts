import type { HttpAnswer, ProbeVerdict, ProviderDefinition } from '@authpipe/providers';

const read = ({ status }: HttpAnswer): ProbeVerdict => {
  if (status === 200) return { result: 'ok', reason: null };
  if (status === 403) return { result: 'degraded', reason: 'role_lost' };
  return status === 401
    ? { result: 'dead', reason: 'key_invalid' }
    : { result: 'inconclusive', reason: null };
};

/** A provider of API keys, on a host of the test's own. */
export const keyDefinition = (host: string): ProviderDefinition => ({
  id: 'keyed',
  name: 'Keyed',
  category: 'Security',
  description: 'A provider of keys, for tests.',
  websiteUrl: 'https://keyed.test',
  sources: [],
  authMethods: [
    {
      id: 'api_key',
      kind: 'api_key',
      name: 'API key',
      description: 'A static key.',
      probes: [{ kind: 'request', url: `https://${host}/me`, read }],
      fields: { apiKey: { label: 'Key', example: 'key', secret: true } },
      headers: { 'x-api-key': '{apiKey}' },
      tokenType: 'ApiKey',
    },
  ],
  config: {},
  api: { baseUrl: `https://${host}`, readError: read },
});
