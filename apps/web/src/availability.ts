import type { AuthMethod, ProviderDefinition } from '@authpipe/providers';

/** Kinds of auth method that the connect flow takes today. A page of any other kind says that it is not there yet. */
const CONNECTABLE_KINDS: ReadonlySet<AuthMethod['kind']> = new Set(['oauth2']);

/** Whether a person can connect with this method through the button. */
export function isConnectable(method: AuthMethod): boolean {
  return CONNECTABLE_KINDS.has(method.kind);
}

/** The method that a provider's page is about: the definition's first, which is also an integration's default. */
export function mainMethodOf(provider: ProviderDefinition): AuthMethod {
  return provider.authMethods[0];
}
