import { authMethodOf, type ClientCredentialsMethod, type ProviderDefinition } from '@authpipe/providers';
import type { ImportedCredential, ParsedImportConnectionRequest } from '@authpipe/types';
import type { Clock } from '../clock.js';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import type { NewGrant, SavedGrant } from '../credentials/grant-store.js';
import { accessTokenExpiry } from '../credentials/refresh-schedule.js';
import { Problem } from '../errors/problem.js';
import { createDpopKey } from '../oauth/dpop-key.js';
import type { OAuth, TokenTarget } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import type { ConnectIntegration, ConnectIntegrations } from './connect-integrations.js';
import { importedSettings, invalidField } from './imported-settings.js';

/** Client credentials: with a client of the connection's own, or with the integration's. */
export type ImportedClient = Extract<ImportedCredential, { clientId: string } | { grant: string }>;

export const isImportedClient = (credential: ImportedCredential): credential is ImportedClient =>
  'clientId' in credential || 'grant' in credential;

export interface ImportClientDependencies {
  /** @throws Problem `integration_not_configured` or `connection_ambiguous` */
  readonly resolveIntegration: (filter: {
    environment: string;
    tenantId: string;
    provider: string;
    integration?: string;
  }) => Promise<ConnectIntegration>;
  readonly openIntegration: ConnectIntegrations['openIntegration'];
  readonly oauth: Pick<OAuth, 'renew'>;
  readonly saveGrant: (grant: NewGrant) => Promise<SavedGrant>;
  readonly clock: Clock;
  readonly allowLoopback: boolean;
}

/** Who asks for the token, and whose integration it is; `null` for a client of the connection's own. */
interface Asker {
  readonly target: TokenTarget & { readonly method: ClientCredentialsMethod };
  readonly integration: ConnectIntegration | null;
}

/** What to ask again in a moment, and what has to be changed first. */
const refusedBy = (
  { target, integration }: Asker,
  { verdict, status, retryAfterSeconds }: TokenRequestError,
) => {
  const { name } = target.definition;
  switch (verdict.outcome) {
    case 'transient':
    case 'use_dpop_nonce':
      return new Problem(
        'provider_unavailable',
        `${name} gave no token: try again shortly. Nothing was stored.`,
        {
          retryAfterSeconds: retryAfterSeconds ?? 5,
        },
      );
    case 'configuration':
      return new Problem(
        status === null ? 'integration_not_configured' : 'provider_error',
        `${verdict.detail} Nothing was stored.`,
      );
    default:
      return integration === null
        ? invalidField('/credential/clientSecret', `${name} refused the client ID or the client secret`)
        : new Problem(
            'integration_not_configured',
            `${name} refused the client of the integration ${integration.integrationId}: set its credentials anew. Nothing was stored.`,
          );
  }
};

/**
 * Takes over client credentials. The first token is asked for at once and proves them: what the provider refuses is not
 * stored. The same owner and label again replaces what is there.
 * @returns the use case, which throws Problem `invalid_request` (a client of the connection's own was refused),
 *   `integration_not_configured`, `connection_ambiguous`, `provider_error` or `provider_unavailable`
 */
export const createImportClient = ({
  resolveIntegration,
  openIntegration,
  oauth,
  saveGrant,
  clock,
  allowLoopback,
}: ImportClientDependencies) => {
  const ownClient = (
    definition: ProviderDefinition,
    { config: given }: ParsedImportConnectionRequest,
    { clientId, clientSecret }: Extract<ImportedClient, { clientId: string }>,
  ): Asker => {
    const methods = definition.authMethods.filter((each) => each.kind === 'client_credentials');
    const method = methods.find((each) => each.clientAuthentication !== 'private_key_jwt');
    if (!method) {
      const [signing] = methods;
      throw signing
        ? invalidField(
            '/credential',
            `can not be a client secret: ${definition.name} wants a key. Set up an integration with the auth method ${signing.id}, and give { "grant": "client_credentials" } here`,
          )
        : invalidField('/credential', `has another kind than ${definition.name} takes`);
    }
    const config = importedSettings(definition, given, undefined, allowLoopback);
    return { target: { definition, method, config, client: { clientId, clientSecret } }, integration: null };
  };

  const clientOfIntegration = async (
    definition: ProviderDefinition,
    { provider, tenantId, integration: named, config: given }: ParsedImportConnectionRequest,
    environment: string,
  ): Promise<Asker> => {
    const filter = {
      environment,
      tenantId,
      provider,
      ...(named === undefined ? {} : { integration: named }),
    };
    const opened = await openIntegration((await resolveIntegration(filter)).rowId);
    if (!opened) throw new Problem('conflict', 'The integration was removed a moment ago: try again.');
    const { integration, client } = opened;
    const method = authMethodOf(definition, integration.authMethod);
    if (method?.kind !== 'client_credentials') {
      const able = definition.authMethods.filter((each) => each.kind === 'client_credentials');
      const hint =
        able.length === 0 ? '' : `: name one with the auth method ${able.map(({ id }) => id).join(' or ')}`;
      throw invalidField(
        '/integration',
        `means ${integration.integrationId}, which has no client credentials (${integration.authMethod})${hint}`,
      );
    }
    const config = importedSettings(definition, given, integration.config, allowLoopback);
    return { target: { definition, method, config, client }, integration };
  };

  return async (
    definition: ProviderDefinition,
    request: ParsedImportConnectionRequest,
    credential: ImportedClient,
    environment: string,
  ): Promise<ConnectionRecord> => {
    const asker =
      'clientId' in credential
        ? ownClient(definition, request, credential)
        : await clientOfIntegration(definition, request, environment);
    const { target, integration } = asker;
    const usual = integration?.scopes.length ? integration.scopes : target.method.defaultScopes;
    const scopes = [...new Set(credential.scopes ?? usual)];
    const dpopKey = integration?.dpop === true ? await createDpopKey() : undefined;
    const issuedAt = clock.now();
    const grant = await oauth
      .renew(target, { grant: 'client_credentials', scopes }, { dpopKey })
      .catch((error: unknown) => {
        throw error instanceof TokenRequestError ? refusedBy(asker, error) : error;
      });
    const { connection } = await saveGrant({
      key: {
        environment,
        integrationId: integration?.integrationId ?? request.integration ?? request.provider,
        tenantId: request.tenantId,
        owner: request.owner ?? 'user',
        userId: request.userId ?? null,
        label: request.label,
      },
      integrationRowId: integration?.rowId ?? null,
      provider: definition.id,
      authMethod: target.method.id,
      kind: 'client_credentials',
      secrets: {
        kind: 'client_credentials',
        accessToken: grant.accessToken,
        refreshToken: null,
        client:
          'clientId' in credential
            ? { clientId: credential.clientId, clientSecret: credential.clientSecret }
            : null,
        ...(dpopKey === undefined ? {} : { dpopKey }),
      },
      tokenType: grant.tokenType,
      issuedAt,
      expiresAt: accessTokenExpiry(issuedAt, grant.expiresInSeconds),
      refreshExpiresAt: null,
      account: null,
      requestedScopes: scopes,
      scopes: grant.scopes ?? scopes,
      config: { ...target.config },
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      verifiedBy: 'token_request',
    });
    return connection;
  };
};
