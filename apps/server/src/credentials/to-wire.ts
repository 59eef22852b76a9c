import { type AuthMethod, authMethodOf, fillUrl, type ProviderDefinition } from '@authpipe/providers';
import type { ConnectedAccount, Connection, Credential } from '@authpipe/types';
import type { PrivateJwk } from '../jwk.js';
import { type ConnectionRecord, canBeRenewed, type ServedCredential } from './credential-record.js';

/** Finds a definition by the provider's id; `undefined` for one that this server does not know. */
export type FindProvider = (id: string) => ProviderDefinition | undefined;

/** What the wire shapes need beside the record. */
export interface WireContext {
  readonly findProvider: FindProvider;
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK`: base URLs of loopback hosts are `http://`. */
  readonly allowLoopback: boolean;
}

/** The method that a connection was made with; `undefined` when its definition is gone. */
export const methodOf = (
  definition: ProviderDefinition | undefined,
  authMethod: string,
): AuthMethod | undefined => definition && authMethodOf(definition, authMethod);

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/**
 * Scopes that were asked for and not granted. What Authpipe adds by itself (`offline_access`) is left out: nobody asked
 * for it, and vendors differ in whether they list it.
 */
const missingScopes = (
  { requestedScopes, scopes }: ConnectionRecord,
  method: AuthMethod | undefined,
): string[] => {
  const implied = method?.kind === 'oauth2' ? method.impliedScopes : [];
  return requestedScopes.filter((scope) => !scopes.includes(scope) && !implied.includes(scope));
};

/** A connection as the API answers it: metadata only. */
export const toConnection = (record: ConnectionRecord, { findProvider }: WireContext): Connection => ({
  id: record.id,
  environment: record.environment,
  integration: record.integrationId,
  provider: record.provider,
  authMethod: record.authMethod,
  kind: record.kind,
  tenantId: record.tenantId,
  owner: record.owner,
  userId: record.userId,
  label: record.label,
  status: record.status,
  reason: record.reason,
  since: record.since.toISOString(),
  reconnectBy: iso(record.reconnectBy),
  account: record.account,
  scopes: [...record.scopes],
  missingScopes: missingScopes(record, methodOf(findProvider(record.provider), record.authMethod)),
  lostScopes: [...record.lostScopes],
  failedApi: record.failedApi,
  config: record.config,
  metadata: record.metadata,
  version: record.version,
  verifiedAt: iso(record.verifiedAt),
  verifiedBy: record.verifiedBy,
  createdAt: record.createdAt.toISOString(),
  updatedAt: record.updatedAt.toISOString(),
});

/** What a browser may know of it. */
export const toConnectedAccount = (record: ConnectionRecord, context: WireContext): ConnectedAccount => {
  const { id, integration, provider, label, status, account, scopes, missingScopes } = toConnection(
    record,
    context,
  );
  return { id, integration, provider, label, status, account, scopes, missingScopes };
};

/** Providers answer `bearer`, `Bearer` and `BEARER`; the header has one spelling. @see RFC 6750 section 2.1 */
const BEARER = /^bearer$/i;

/** Of what is sent to nobody. @see RFC 8693 section 2.2.1 */
const NO_TOKEN_TYPE = 'N_A';

type Sendable = Pick<Credential, 'credential' | 'tokenType' | 'headers' | 'fields'>;

/** A proof is good for one request, so none is ready-made: whoever sends the token makes it with the key. */
const dpopFields = (type: string, dpopKey: PrivateJwk | undefined): Pick<Credential, 'fields'> =>
  type === 'DPoP' && dpopKey !== undefined ? { fields: { dpopPrivateKey: JSON.stringify(dpopKey) } } : {};

const sendable = (
  { secrets, tokenType }: Pick<ServedCredential, 'secrets' | 'tokenType'>,
  method: AuthMethod | undefined,
): Sendable => {
  switch (secrets.kind) {
    case 'oauth2':
    case 'client_credentials': {
      const type = BEARER.test(tokenType) ? 'Bearer' : tokenType;
      return {
        credential: secrets.accessToken,
        tokenType: type,
        headers: { authorization: `${type} ${secrets.accessToken}` },
        ...dpopFields(type, secrets.dpopKey),
      };
    }
    case 'api_key': {
      const templates =
        method?.kind === 'api_key' ? method.headers : { authorization: `${tokenType} {apiKey}` };
      const headers = Object.entries(templates).map(([name, template]) => [
        name.toLowerCase(),
        template.replaceAll('{apiKey}', () => secrets.apiKey),
      ]);
      return { credential: secrets.apiKey, tokenType, headers: Object.fromEntries(headers) };
    }
    case 'basic': {
      const { username, password } = secrets;
      const pair = Buffer.from(`${username}:${password}`).toString('base64');
      return {
        credential: pair,
        tokenType: 'Basic',
        headers: { authorization: `Basic ${pair}` },
        fields: { username, password },
      };
    }
    case 'webhook_secret':
      return { credential: secrets.webhookSecret, tokenType: NO_TOKEN_TYPE, headers: {} };
  }
};

/** The headers that a credential is sent in, names in lower case. Secret. */
export const headersOf = (
  credential: Pick<ServedCredential, 'secrets' | 'tokenType'>,
  method: AuthMethod | undefined,
): Readonly<Record<string, string>> => sendable(credential, method).headers;

/** The base of the provider's API for this connection; `null` when its definition or a setting is missing. */
const baseUrlOf = (
  definition: ProviderDefinition | undefined,
  { config }: Pick<ConnectionRecord, 'config'>,
  allowLoopback: boolean,
): string | null => {
  if (!definition) return null;
  try {
    return fillUrl(definition.api.baseUrl, config, { allowLoopback }).replace(/\/$/, '');
  } catch {
    return null;
  }
};

/** Where a connection's provider is asked, as outages are counted: `https://acme.okta.com`. */
export const providerHostOf = (
  connection: Pick<ConnectionRecord, 'provider' | 'config'>,
  { findProvider, allowLoopback }: WireContext,
): string => {
  const baseUrl = baseUrlOf(findProvider(connection.provider), connection, allowLoopback);
  return baseUrl === null ? connection.provider : new URL(baseUrl).origin;
};

/** A credential as the API answers it, ready to be sent. Secret. */
export const toCredential = (
  stored: ServedCredential,
  { findProvider, allowLoopback }: WireContext,
): Credential => {
  const { connection } = stored;
  const definition = findProvider(connection.provider);
  return {
    ...sendable(stored, methodOf(definition, connection.authMethod)),
    kind: connection.kind,
    expiresAt: iso(stored.expiresAt),
    refreshAfter: canBeRenewed(stored.secrets) ? iso(stored.refreshAt) : null,
    scopes: [...connection.scopes],
    connectionId: connection.id,
    version: stored.version,
    status: connection.status,
    reason: connection.reason,
    account: connection.account,
    baseUrl: baseUrlOf(definition, connection, allowLoopback),
  };
};
