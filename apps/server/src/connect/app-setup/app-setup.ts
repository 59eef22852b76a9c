import type { OAuthCodeMethod, ProviderDefinition } from '@authpipe/providers';
import type { PublicJwk } from '../../jwk.js';
import type { ConnectIntegration } from '../connect-integrations.js';

/** Leave for an administrator to set one tenant's OAuth app up, with what is typed so far. Its key lies in the vault. */
export interface AppSetup {
  readonly id: string;
  readonly environment: string;
  readonly tenantId: string;
  readonly integrationId: string;
  readonly provider: string;
  /** The integration that is, or is to be. */
  readonly integrationRowId: string;
  /** Host of the app that asks, as far as it is known. */
  readonly asker: string | null;
  /** Hash of the id of the browser in which somebody clicked last; null until then. */
  readonly browserHash: Uint8Array | null;
  /** The connect session that goes on afterwards. */
  readonly sessionId: string | null;
  /** Settings that whoever made it has fixed, or that the app already has: they win over what is typed. */
  readonly given: Readonly<Record<string, string>>;
  /** All settings, once they are typed. */
  readonly config: Readonly<Record<string, string>>;
  /** Asked of every person; empty for the definition's default. */
  readonly scopes: readonly string[];
  /** Null until the settings are typed: another host gets another key. */
  readonly clientJwk: PublicJwk | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly finishedAt: Date | null;
}

/** A method whose app a customer's administrator makes. */
export type SetupMethod = OAuthCodeMethod & Required<Pick<OAuthCodeMethod, 'setup'>>;

const canBeSetUp = (method: ProviderDefinition['authMethods'][number]): method is SetupMethod =>
  method.kind === 'oauth2' && method.setup !== undefined;

/** The ways in which an administrator can set the app up, best first: without a secret that somebody could copy. */
export const setupMethodsOf = ({ authMethods }: ProviderDefinition): readonly SetupMethod[] => {
  const methods = authMethods.filter(canBeSetUp);
  const signs = ({ clientAuthentication }: SetupMethod) => clientAuthentication === 'private_key_jwt';
  return [...methods.filter(signs), ...methods.filter((method) => !signs(method))];
};

/** The scopes that connections of the app ask for, with what Authpipe adds. */
export const setupScopes = (setup: Pick<AppSetup, 'scopes'>, method: SetupMethod): readonly string[] => [
  ...new Set([...(setup.scopes.length > 0 ? setup.scopes : method.defaultScopes), ...method.impliedScopes]),
];

/** The provider of an id whose app a tenant has yet to make; null where there is one, or nobody could make it. */
export const missingApp = (
  id: string,
  usable: readonly Pick<ConnectIntegration, 'integrationId' | 'provider'>[],
  findProvider: (id: string) => ProviderDefinition | undefined,
): ProviderDefinition | null => {
  const isThere = usable.some(({ integrationId, provider }) => integrationId === id || provider === id);
  const definition = isThere ? undefined : findProvider(id);
  return definition && setupMethodsOf(definition).length > 0 ? definition : null;
};
