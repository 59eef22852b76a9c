import { findProvider, type OAuthCodeMethod, type ProviderDefinition } from '@authpipe/providers';

const definition = findProvider('okta');
const method = definition?.authMethods[0];
if (definition === undefined || method?.kind !== 'oauth2') throw new Error('The catalogue has no Okta.');

/** Okta's definition, as the server finds it. */
export const oktaDefinition: ProviderDefinition = definition;
/** Its first method: User OAuth. */
export const oktaMethod: OAuthCodeMethod = method;
