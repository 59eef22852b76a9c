import { type AuthMethod, type ProviderDefinition, parseConfig } from '@authpipe/providers';
import type { FieldError, ImportedCredential, ParsedImportConnectionRequest } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { ConnectionRecord, CredentialSecrets } from '../credentials/credential-record.js';
import type { NewGrant, SavedGrant } from '../credentials/grant-store.js';
import { Problem } from '../errors/problem.js';
import type { ConnectIntegration } from './connect-integrations.js';

export interface ImportDependencies {
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  /** @throws Problem `integration_not_configured` or `connection_ambiguous` */
  readonly resolveIntegration: (filter: {
    environment: string;
    tenantId: string;
    provider: string;
    integration?: string;
  }) => Promise<ConnectIntegration>;
  readonly saveGrant: (grant: NewGrant) => Promise<SavedGrant>;
  readonly clock: Clock;
  readonly allowLoopback: boolean;
}

/** A token whose end nobody told may end at any moment: it is refreshed within this time. */
const UNKNOWN_END_SECONDS = 60;

const invalid = (pointer: string, detail: string): Problem =>
  new Problem('invalid_request', `The body field ${pointer} is not valid: ${detail}.`, {
    errors: [{ pointer, detail }],
  });

const kindOf = (credential: ImportedCredential): NewGrant['kind'] => {
  if ('accessToken' in credential) return 'oauth2';
  if ('apiKey' in credential) return 'api_key';
  return 'username' in credential ? 'basic' : 'webhook_secret';
};

const secretsOf = (credential: ImportedCredential): CredentialSecrets => {
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
const expiryOf = (credential: ImportedCredential, method: AuthMethod | undefined, now: Date): Date | null => {
  if (!('accessToken' in credential)) return null;
  if (credential.expiresAt !== undefined) return new Date(credential.expiresAt);
  if (credential.refreshToken !== undefined) return addSeconds(now, UNKNOWN_END_SECONDS);
  const usualSeconds = method?.kind === 'oauth2' ? method.accessTokenLifetimeSeconds : null;
  return usualSeconds === null ? null : addSeconds(now, usualSeconds);
};

/**
 * Takes over a credential from elsewhere: the same owner and label again replaces it. It counts as unverified until the
 * first probe, which is due at once.
 * @returns the use case, which throws Problem `invalid_request`, `integration_not_configured` or `connection_ambiguous`
 */
export const createImportConnection =
  ({ findProvider, resolveIntegration, saveGrant, clock, allowLoopback }: ImportDependencies) =>
  async (request: ParsedImportConnectionRequest, environment: string): Promise<ConnectionRecord> => {
    const { provider, tenantId, credential } = request;
    const definition = findProvider(provider);
    if (!definition) throw invalid('/provider', 'is not in the catalogue: GET /v1/providers lists it');
    const kind = kindOf(credential);
    const method = definition.authMethods.find((candidate) => candidate.kind === kind);
    if (!method && kind !== 'webhook_secret') {
      const kinds = definition.authMethods.map((candidate) => candidate.kind).join(', ');
      throw invalid('/credential', `has another kind than ${definition.name} takes (${kinds})`);
    }
    const named = request.integration === undefined ? {} : { integration: request.integration };
    // A token is refreshed by its OAuth client; a key stands alone.
    const integration =
      kind === 'oauth2' ? await resolveIntegration({ environment, tenantId, provider, ...named }) : null;
    const config = { ...request.config, ...integration?.config };
    const parsed = parseConfig(definition, config, { allowLoopback });
    if (!parsed.ok) {
      const errors: FieldError[] = parsed.errors.map(({ field, error, suggestion }) => ({
        pointer: `/config/${field}`,
        detail: suggestion === undefined ? error : `${error} Try ${suggestion}.`,
      }));
      throw new Problem('invalid_request', `The settings for ${definition.name} are not valid: see errors.`, {
        errors,
      });
    }
    refuseOtherHosts(request.config, parsed.config);
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
      config: parsed.config,
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      verifiedBy: null,
    });
    return connection;
  };

/** A host that comes with an import may pick the integration of that host, and never send its secret to another. */
const refuseOtherHosts = (given: Record<string, string> | undefined, used: Record<string, string>): void => {
  for (const [field, value] of Object.entries(given ?? {})) {
    if (used[field] !== undefined && used[field] !== value.trim().toLowerCase() && used[field] !== value) {
      throw invalid(
        `/config/${field}`,
        'differs from the integration’s: leave it out, or set up an integration for it',
      );
    }
  }
};
