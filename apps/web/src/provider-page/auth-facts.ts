import type {
  ApiKeyMethod,
  AuthMethod,
  BasicMethod,
  ClientCredentialsMethod,
  OAuthCodeMethod,
  ProviderDefinition,
  RefreshTokenBehaviour,
} from '@authpipe/providers';
import { mainMethodOf } from '../main-method.js';
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
    ...methodFacts(mainMethodOf(provider), provider.name),
    ...settings.map((value) => ({ name: 'Setting', value })),
    ...otherMethods(provider),
  ];
}

function methodFacts(method: AuthMethod, providerName: string): AuthFact[] {
  switch (method.kind) {
    case 'oauth2':
      return codeFacts(method, providerName);
    case 'client_credentials':
      return clientCredentialsFacts(method, providerName);
    case 'api_key':
      return apiKeyFacts(method);
    case 'basic':
      return basicFacts(method);
    case 'webhook_secret':
      return [
        { name: 'Credential', value: method.fields.webhookSecret.label },
        { name: 'Sent as', value: 'Not sent: it proves what the provider sends' },
        { name: 'Refresh', value: 'None: a secret is replaced by hand' },
      ];
  }
}

function codeFacts(method: OAuthCodeMethod, providerName: string): AuthFact[] {
  const { absoluteLifetimeSeconds, idleLifetimeSeconds } = method.refreshToken;
  const facts = [
    {
      name: 'Grant',
      value: method.pkce === 'S256' ? 'Authorization code with PKCE (S256)' : 'Authorization code',
    },
    { name: 'Account', value: accountInWords(method) },
    { name: 'Access token', value: lifetimeInWords(method.accessTokenLifetimeSeconds, providerName) },
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

function accountInWords({ openidConnect, account }: OAuthCodeMethod): string {
  if (openidConnect) return 'Named by OpenID Connect';
  return account ? 'Named by the provider’s API' : 'Not named by the provider';
}

/** The definition holds what to assume where a token answer says nothing; null where the vendor documents nothing. */
function lifetimeInWords(seconds: number | null, providerName: string): string {
  if (seconds === null) return `As long as ${providerName} says`;
  return `${durationInWords(seconds)}, unless ${providerName} says otherwise`;
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

function clientCredentialsFacts(method: ClientCredentialsMethod, providerName: string): AuthFact[] {
  return [
    { name: 'Grant', value: 'Client credentials' },
    { name: 'Sign-in', value: 'None: an API client, not a person' },
    { name: 'Access token', value: lifetimeInWords(method.accessTokenLifetimeSeconds, providerName) },
    { name: 'Refresh token', value: 'None: a new access token is asked for' },
  ];
}

function apiKeyFacts(method: ApiKeyMethod): AuthFact[] {
  return [
    { name: 'Credential', value: method.fields.apiKey.label },
    { name: 'Sent as', value: Object.keys(method.headers).join(', ') },
    { name: 'Refresh', value: 'None: a key is replaced by hand' },
  ];
}

function basicFacts(method: BasicMethod): AuthFact[] {
  const { username, password } = method.fields;
  return [
    { name: 'Credential', value: `${username.label} and ${password.label}` },
    { name: 'Sent as', value: 'Authorization' },
    { name: 'Refresh', value: 'None: the pair is replaced by hand' },
  ];
}

function otherMethods(provider: ProviderDefinition): AuthFact[] {
  const listed = provider.authMethods.slice(1).filter(({ unlisted }) => unlisted !== true);
  return listed.map((method) => ({
    name: 'Other method',
    value: method.name,
  }));
}
