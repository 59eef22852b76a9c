import type {
  ApiKeyMethod,
  AuthMethod,
  BasicMethod,
  ClientCredentialsMethod,
  OAuthCodeMethod,
  ProviderDefinition,
  RefreshTokenBehaviour,
} from '@authpipe/providers';
import { mainMethodOf } from '../availability.js';
import { durationInWords } from './duration.js';

/** One line of the list beside the auth model. */
export interface AuthFact {
  readonly name: string;
  readonly value: string;
}

/** What the definition says of a provider's main method, in a few words each. */
export function authFacts(provider: ProviderDefinition): AuthFact[] {
  const settings = Object.values(provider.config).map((field) => `${field.label} (${field.example})`);
  return [
    ...methodFacts(mainMethodOf(provider)),
    ...settings.map((value) => ({ name: 'Setting', value })),
    ...otherMethods(provider),
  ];
}

function methodFacts(method: AuthMethod): AuthFact[] {
  switch (method.kind) {
    case 'oauth2':
      return codeFacts(method);
    case 'client_credentials':
      return clientCredentialsFacts(method);
    case 'api_key':
      return apiKeyFacts(method);
    case 'basic':
      return basicFacts(method);
  }
}

function codeFacts(method: OAuthCodeMethod): AuthFact[] {
  const { absoluteLifetimeSeconds, idleLifetimeSeconds } = method.refreshToken;
  const facts = [
    {
      name: 'Grant',
      value: method.pkce === 'S256' ? 'Authorization code with PKCE (S256)' : 'Authorization code',
    },
    { name: 'Identity', value: method.openidConnect ? 'OpenID Connect' : 'None beside the token' },
    { name: 'Access token', value: durationInWords(method.accessTokenLifetimeSeconds) },
    { name: 'Refresh token', value: rotationInWords(method.refreshToken) },
  ];
  if (absoluteLifetimeSeconds !== undefined) {
    facts.push({ name: 'Grant ends', value: `${durationInWords(absoluteLifetimeSeconds)} after consent` });
  }
  if (idleLifetimeSeconds !== undefined) {
    facts.push({ name: 'Grant lapses', value: `${durationInWords(idleLifetimeSeconds)} without use` });
  }
  return facts;
}

function rotationInWords({ rotation }: RefreshTokenBehaviour): string {
  switch (rotation) {
    case 'static':
      return 'Stays the same';
    case 'rotating':
      return 'Rotates with each use';
    case 'optional_rotation':
      return 'Rotates if the app is set so';
    case 'single_use':
      return 'Works once, then is replaced';
  }
}

function clientCredentialsFacts(method: ClientCredentialsMethod): AuthFact[] {
  return [
    { name: 'Grant', value: 'Client credentials' },
    { name: 'Sign-in', value: 'None: an API client, not a person' },
    { name: 'Access token', value: durationInWords(method.accessTokenLifetimeSeconds) },
    { name: 'Refresh token', value: 'None: a new access token is asked for' },
  ];
}

function apiKeyFacts(method: ApiKeyMethod): AuthFact[] {
  return [
    { name: 'Credential', value: method.fields.apiKey.label },
    { name: 'Sent as', value: Object.keys(method.headers).join(', ') },
    { name: 'Refresh', value: 'None: the key stays until it is replaced' },
  ];
}

function basicFacts(method: BasicMethod): AuthFact[] {
  const { username, password } = method.fields;
  return [
    { name: 'Credential', value: `${username.label} and ${password.label}` },
    { name: 'Sent as', value: 'Authorization' },
    { name: 'Refresh', value: 'None: the pair stays until it is replaced' },
  ];
}

function otherMethods(provider: ProviderDefinition): AuthFact[] {
  const names = provider.authMethods.slice(1).map((method) => method.name);
  return names.length === 0 ? [] : [{ name: 'Also known', value: names.join(', ') }];
}
