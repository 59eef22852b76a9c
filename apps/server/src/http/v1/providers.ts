import { type ConfigField, findProvider, type ProviderDefinition, providers } from '@authpipe/providers';
import type { WebhookScheme } from '@authpipe/types';
import { Problem } from '../../errors/problem.js';
import type { Route } from '../route.js';

const fieldToWire = ({ kind, label, description, example, required, options, helpUrl }: ConfigField) => ({
  kind,
  label,
  description,
  example,
  required,
  ...(options ? { options } : {}),
  ...(helpUrl ? { helpUrl } : {}),
});

const definitionToWire = (definition: ProviderDefinition) => ({
  id: definition.id,
  name: definition.name,
  category: definition.category,
  description: definition.description,
  websiteUrl: definition.websiteUrl,
  authMethods: definition.authMethods.map((method) => ({
    id: method.id,
    kind: method.kind,
    name: method.name,
    description: method.description,
    ...('scopes' in method ? { scopes: method.scopes } : {}),
    ...('defaultScopes' in method ? { defaultScopes: method.defaultScopes } : {}),
  })),
  config: Object.fromEntries(
    Object.entries(definition.config).map(([name, field]) => [name, fieldToWire(field)]),
  ),
  ...(definition.webhooks ? { webhooks: definition.webhooks satisfies WebhookScheme } : {}),
});

/** The catalogue, for anybody. */
export const providerRoutes: Route[] = [
  {
    method: 'get',
    path: '/providers',
    scope: 'public',
    summary: 'The catalogue of providers',
    handle: async () => ({ body: { data: providers.map(definitionToWire) } }),
  },
  {
    method: 'get',
    path: '/providers/:id',
    scope: 'public',
    summary: 'One provider of the catalogue',
    handle: async ({ params }) => {
      const definition = findProvider(params.id ?? '');
      if (!definition)
        throw new Problem('not_found', 'There is no such provider: GET /v1/providers lists them.');
      return { body: definitionToWire(definition) };
    },
  },
];
