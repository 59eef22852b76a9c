import type { ProviderDefinition, TypedMethod } from '@authpipe/providers';

/** Whether a person can type all that a method takes. A client that signs needs a key that the provider knows before. */
const standsAlone = (method: ProviderDefinition['authMethods'][number]): method is TypedMethod =>
  method.kind !== 'oauth2' &&
  (method.kind !== 'client_credentials' || method.clientAuthentication !== 'private_key_jwt');

/**
 * The methods by which a provider can be connected though nobody has set an integration up. None where its first method,
 * an integration's default, is a sign-in: then a missing integration is a fault, and no other way is offered instead.
 */
export const standaloneMethods = ({ authMethods }: ProviderDefinition): readonly TypedMethod[] =>
  standsAlone(authMethods[0]) ? authMethods.filter(standsAlone) : [];
