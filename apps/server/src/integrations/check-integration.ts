import {
  authMethodOf,
  type ProviderDefinition,
  parseConfig,
  providers,
  type TokenMethod,
} from '@authpipe/providers';
import type { FieldError, IntegrationRequest } from '@authpipe/types';
import { Problem } from '../errors/problem.js';
import { CLIENT_KEY_RULE, type ClientKey, readClientKey } from './client-key.js';
import { redirectUriFault } from './redirect-uri.js';
import { secretDestinationFields } from './secret-destination.js';

/** Settings of an integration in the form that is stored. */
export interface IntegrationSettings {
  readonly provider: string;
  readonly authMethod: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly redirectUri: string | null;
  readonly dpop: boolean;
  readonly stopAfterUnusedDays: number | null;
}

/** Settings, and which of them decide where the client secret goes. */
export interface CheckedIntegration {
  readonly settings: IntegrationSettings;
  readonly destinationFields: readonly string[];
  /** Whether the client signs with a key instead of sending a secret. */
  readonly signs: boolean;
  /** The key that came with the request. */
  readonly clientKey: ClientKey | null;
}

/** What the check goes by. */
export interface CheckOptions {
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK`: a provider's host may be loopback. */
  readonly allowLoopback: boolean;
  readonly isProduction: boolean;
  /** Whether the integration has a client secret, sent now or stored before. */
  readonly hasClientSecret: boolean;
}

const refuse = (errors: readonly FieldError[]): Problem => {
  const [first] = errors;
  const field = first?.pointer.slice(1).replaceAll('/', '.');
  return new Problem('invalid_request', `The integration is not valid: ${field}: ${first?.detail}`, {
    errors,
  });
};

/** @see RFC 6901 section 3 */
const pointerTo = (field: string): string => `/config/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** A client proves itself in one way: the method's. */
const checkProof = (
  { clientSecret, clientPrivateKey }: IntegrationRequest,
  signs: boolean,
): { clientKey: ClientKey | null; errors: FieldError[] } => {
  if (signs && clientSecret !== undefined) {
    const detail =
      'must be left out: the auth method signs with a private key, which Authpipe makes or you bring.';
    return { clientKey: null, errors: [{ pointer: '/clientSecret', detail }] };
  }
  if (clientPrivateKey === undefined) return { clientKey: null, errors: [] };
  if (!signs) {
    const detail = 'must be left out: the auth method does not sign with a private key.';
    return { clientKey: null, errors: [{ pointer: '/clientPrivateKey', detail }] };
  }
  const clientKey = readClientKey(clientPrivateKey);
  return {
    clientKey,
    errors: clientKey ? [] : [{ pointer: '/clientPrivateKey', detail: CLIENT_KEY_RULE }],
  };
};

const findMethod = (
  integrationId: string,
  { provider = integrationId, authMethod }: IntegrationRequest,
  { findProvider }: CheckOptions,
): { definition: ProviderDefinition; method: TokenMethod } => {
  const definition = findProvider(provider);
  if (!definition) {
    const known = providers.map(({ id }) => id).join(', ');
    throw refuse([{ pointer: '/provider', detail: `must be a provider of the catalogue: ${known}.` }]);
  }
  // Else `provider: "okta"` in a look-up, which means the integration of that id first, would find another provider.
  if (integrationId !== definition.id && findProvider(integrationId)) {
    const detail = `must be "${integrationId}", since the integration has that provider’s id. Choose another id for it.`;
    throw refuse([{ pointer: '/provider', detail }]);
  }
  const method = authMethodOf(definition, authMethod);
  if (!method) {
    const known = definition.authMethods.map(({ id }) => id).join(', ');
    throw refuse([{ pointer: '/authMethod', detail: `must be one that ${definition.name} has: ${known}.` }]);
  }
  if (method.kind !== 'oauth2' && method.kind !== 'client_credentials') {
    const detail = `must be one with an OAuth client. ${method.name} needs no integration: connect it as it is.`;
    throw refuse([{ pointer: '/authMethod', detail }]);
  }
  return { definition, method };
};

/** @see RFC 6749 section 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

const scopeFault = (scope: string, { name }: ProviderDefinition, method: TokenMethod): string | null => {
  if (!SCOPE.test(scope)) return 'must be one scope, without white space and quotation marks.';
  if (scope.includes(method.scopeSeparator)) return `must be one scope, without “${method.scopeSeparator}”.`;
  const implied = method.kind === 'oauth2' ? method.impliedScopes : [];
  if (method.acceptsOtherScopes || implied.includes(scope)) return null;
  if (method.scopes.some((known) => known.name === scope)) return null;
  const known = method.scopes.map((each) => each.name).join(', ');
  return known === '' ? `is not known: ${name} has no scopes.` : `is not known. ${name} has: ${known}.`;
};

/**
 * Brings settings to their stored form. What decides where a secret goes is required beside the secret; without one, a
 * person may give it when connecting.
 */
const checkConfig = (
  { name, config }: ProviderDefinition,
  given: Readonly<Record<string, string>>,
  required: readonly string[],
  allowLoopback: boolean,
): { config: Record<string, string>; errors: FieldError[] } => {
  const rules = Object.entries(config).map(([field, rule]) => [
    field,
    { ...rule, required: required.includes(field) },
  ]);
  const parsed = parseConfig({ name, config: Object.fromEntries(rules) }, given, { allowLoopback });
  if (parsed.ok) return { config: parsed.config, errors: [] };
  const errors = parsed.errors.map(({ field, error, suggestion }) => ({
    pointer: pointerTo(field),
    detail: suggestion === undefined ? error : `${error} Did you mean ${suggestion}?`,
  }));
  return { config: {}, errors };
};

/**
 * Checks a request against the provider's definition.
 * @throws Problem `invalid_request` with a pointer to each fault
 */
export const checkIntegration = (
  integrationId: string,
  request: IntegrationRequest,
  options: CheckOptions,
): CheckedIntegration => {
  const { definition, method } = findMethod(integrationId, request, options);
  const destinationFields = secretDestinationFields(method);
  const signs = method.clientAuthentication === 'private_key_jwt';
  const required = options.hasClientSecret || signs ? destinationFields : [];
  const { config, errors } = checkConfig(definition, request.config ?? {}, required, options.allowLoopback);
  const { clientKey, errors: proofErrors } = checkProof(request, signs);
  errors.push(...proofErrors);
  const scopes = [...new Set(request.scopes)];
  for (const [index, scope] of (request.scopes ?? []).entries()) {
    const detail = scopeFault(scope, definition, method);
    if (detail !== null) errors.push({ pointer: `/scopes/${index}`, detail });
  }
  const { redirectUri = null, clientId, dpop = false, stopAfterUnusedDays = null } = request;
  const uriFault = redirectUri === null ? null : redirectUriFault(redirectUri, options.isProduction);
  if (uriFault !== null) errors.push({ pointer: '/redirectUri', detail: `${uriFault}.` });
  if (errors.length > 0) throw refuse(errors);
  return {
    settings: {
      ...{ provider: definition.id, authMethod: method.id, clientId, scopes, config },
      ...{ redirectUri, dpop, stopAfterUnusedDays },
    },
    destinationFields,
    signs,
    clientKey,
  };
};
