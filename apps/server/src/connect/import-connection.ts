import type { AuthMethod, ProviderDefinition } from '@authpipe/providers';
import type { ImportedCredential, ParsedImportConnectionRequest } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { ConnectionRecord, CredentialSecrets } from '../credentials/credential-record.js';
import type { NewGrant } from '../credentials/grant-store.js';
import {
  createImportClient,
  type ImportClientDependencies,
  type ImportedClient,
  isImportedClient,
} from './import-client.js';
import { importedSettings, invalidField } from './imported-settings.js';

export interface ImportDependencies extends ImportClientDependencies {
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
}

/** What is taken as it is; client credentials are proved by a first token. */
type StaticCredential = Exclude<ImportedCredential, ImportedClient>;

/** A token whose end nobody told may end at any moment: it is refreshed within this time. */
const UNKNOWN_END_SECONDS = 60;

const kindOf = (credential: StaticCredential): NewGrant['kind'] => {
  if ('accessToken' in credential) return 'oauth2';
  if ('apiKey' in credential) return 'api_key';
  return 'username' in credential ? 'basic' : 'webhook_secret';
};

const secretsOf = (credential: StaticCredential): CredentialSecrets => {
  if ('accessToken' in credential) {
    const { accessToken, refreshToken = null } = credential;
    return { kind: 'oauth2', accessToken, refreshToken };
  }
  if ('apiKey' in credential) return { kind: 'api_key', apiKey: credential.apiKey };
  if ('username' in credential) {
    return { kind: 'basic', username: credential.username, password: credential.password };
  }
  return { kind: 'webhook_secret', webhookSecret: credential.webhookSecret };
};

const tokenTypeOf = (method: AuthMethod | undefined, kind: NewGrant['kind']): string => {
  if (method?.kind === 'api_key') return method.tokenType;
  return kind === 'basic' ? 'Basic' : 'Bearer';
};

/**
 * When an imported token ends: as told; soon, if it can be refreshed; else as the provider's tokens usually do; null
 * where the vendor documents nothing.
 */
const expiryOf = (credential: StaticCredential, method: AuthMethod | undefined, now: Date): Date | null => {
  if ('expiresAt' in credential && credential.expiresAt !== undefined) return new Date(credential.expiresAt);
  if (!('accessToken' in credential)) return null;
  if (credential.refreshToken !== undefined) return addSeconds(now, UNKNOWN_END_SECONDS);
  const usualSeconds = method?.kind === 'oauth2' ? method.accessTokenLifetimeSeconds : null;
  return usualSeconds === null ? null : addSeconds(now, usualSeconds);
};

/**
 * Takes over a credential from elsewhere: the same owner and label again replaces it. It counts as unverified until the
 * first probe, which is due at once; client credentials are proved by a first token before they are stored.
 * @returns the use case, which throws Problem `invalid_request`, `integration_not_configured` or `connection_ambiguous`,
 *   and for client credentials `provider_error` or `provider_unavailable`
 */
export const createImportConnection = (dependencies: ImportDependencies) => {
  const { findProvider, resolveIntegration, saveGrant, clock, allowLoopback } = dependencies;
  const importClient = createImportClient(dependencies);
  return async (request: ParsedImportConnectionRequest, environment: string): Promise<ConnectionRecord> => {
    const { provider, tenantId, credential } = request;
    const definition = findProvider(provider);
    if (!definition) throw invalidField('/provider', 'is not in the catalogue: GET /v1/providers lists it');
    if (isImportedClient(credential)) return importClient(definition, request, credential, environment);
    const kind = kindOf(credential);
    const method = definition.authMethods.find((candidate) => candidate.kind === kind);
    if (!method && kind !== 'webhook_secret') {
      const kinds = definition.authMethods.map((candidate) => candidate.kind).join(', ');
      throw invalidField('/credential', `has another kind than ${definition.name} takes (${kinds})`);
    }
    const named = request.integration === undefined ? {} : { integration: request.integration };
    // A token is refreshed by its OAuth client; a key stands alone.
    const integration =
      kind === 'oauth2' ? await resolveIntegration({ environment, tenantId, provider, ...named }) : null;
    const config = importedSettings(definition, request.config, integration?.config, allowLoopback);
    const now = clock.now();
    const scopes = 'scopes' in credential ? (credential.scopes ?? []) : [];
    const { connection } = await saveGrant({
      key: {
        environment,
        integrationId: integration?.integrationId ?? request.integration ?? provider,
        tenantId,
        owner: request.owner ?? 'user',
        userId: request.userId ?? null,
        label: request.label,
      },
      integrationRowId: integration?.rowId ?? null,
      provider,
      authMethod: method?.id ?? kind,
      kind,
      secrets: secretsOf(credential),
      tokenType: tokenTypeOf(method, kind),
      issuedAt: now,
      expiresAt: expiryOf(credential, method, now),
      refreshExpiresAt: null,
      account: null,
      requestedScopes: scopes,
      scopes,
      config,
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      verifiedBy: null,
    });
    return connection;
  };
};
