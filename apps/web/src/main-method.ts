import type { AuthMethod, ProviderDefinition } from '@authpipe/providers';

/** The method that a provider's page is about: the definition's first, which is also an integration's default. */
export function mainMethodOf(provider: ProviderDefinition): AuthMethod {
  return provider.authMethods[0];
}
