import { auth0 } from './auth0.js';
import { crowdstrike } from './crowdstrike.js';
import type { AuthMethod, ProviderCategory, ProviderDefinition } from './definition.js';
import { jumpcloud } from './jumpcloud.js';
import { okta } from './okta.js';
import { snyk } from './snyk.js';

const catalogue = [okta, auth0, snyk, crowdstrike, jumpcloud] as const;

/** Every provider that Authpipe knows, in the order of the catalogue. */
export const providers: readonly ProviderDefinition[] = catalogue;

/** Ids of the catalogue's providers, for auto-completion. */
export type ProviderId = (typeof catalogue)[number]['id'];

const byId: ReadonlyMap<string, ProviderDefinition> = new Map(
  providers.map((provider) => [provider.id, provider]),
);

/** The provider of that id, `undefined` if the catalogue has none. */
export function findProvider(id: string): ProviderDefinition | undefined {
  return byId.get(id);
}

/** The definition's auth method of that id; without an id its first, which is an integration's default. */
export function authMethodOf(definition: ProviderDefinition, id?: string): AuthMethod | undefined {
  return id === undefined
    ? definition.authMethods[0]
    : definition.authMethods.find((method) => method.id === id);
}

/** The providers of one shelf, in the order of the catalogue. */
export function providersInCategory(category: ProviderCategory): readonly ProviderDefinition[] {
  return providers.filter((provider) => provider.category === category);
}
