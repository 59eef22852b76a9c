import { z } from 'zod';
import { connectionOwner, metadata } from './identity.js';

/** What a connection's main credential is. */
export const connectionKind = z.enum(['oauth2', 'client_credentials', 'api_key', 'basic', 'webhook_secret']);
export type ConnectionKind = z.infer<typeof connectionKind>;

/**
 * How a connection is doing. `unverified`: never proved; `healthy`: proved; `degraded`: a probe or a refresh failed,
 * the credential may still work; `needs_reconnect`: only a person can mend it.
 */
export const connectionStatus = z.enum(['unverified', 'healthy', 'degraded', 'needs_reconnect']);
export type ConnectionStatus = z.infer<typeof connectionStatus>;

/** Why a connection is `degraded` or `needs_reconnect`. `STATUS_REASONS` says what each means and who can mend it. */
export const statusReason = z.enum([
  'revoked',
  'refresh_token_expired',
  'refresh_token_missing',
  'rotation_lost',
  'deployment_copied',
  'user_deactivated',
  'app_deactivated',
  'client_secret_invalid',
  'consent_required',
  'scope_lost',
  'role_lost',
  'key_invalid',
  'rate_limited',
  'provider_down',
  'configuration',
]);
export type StatusReason = z.infer<typeof statusReason>;

/** The account at the provider that a connection speaks for, as far as the provider told. */
export const connectionAccount = z.object({
  /** The provider's id of the account (OpenID Connect `sub`). */
  id: z.string(),
  name: z.string().optional(),
  email: z.string().optional(),
});
export type ConnectionAccount = z.infer<typeof connectionAccount>;

/** A connection without its secrets: what `GET /v1/connections/{id}` answers. */
export const connection = z.object({
  id: z.string(),
  environment: z.string(),
  integration: z.string(),
  provider: z.string(),
  authMethod: z.string(),
  kind: connectionKind,
  tenantId: z.string(),
  owner: connectionOwner,
  /** `null` when the tenant itself owns the connection. */
  userId: z.string().nullable(),
  label: z.string(),
  status: connectionStatus,
  reason: statusReason.nullable(),
  /** Since when the status holds. */
  since: z.iso.datetime(),
  /** When a person has to have connected again, where the end is known (Okta: 90 days). */
  reconnectBy: z.iso.datetime().nullable(),
  account: connectionAccount.nullable(),
  /** Scopes the provider granted. */
  scopes: z.array(z.string()),
  /** Scopes that were asked for and not granted. */
  missingScopes: z.array(z.string()),
  /** Scopes that were granted once and that the token has no longer. */
  lostScopes: z.array(z.string()),
  /** The API that refused the credential, with `role_lost`, `scope_lost` and `configuration`: `GET /api/v1/users`. */
  failedApi: z.string().nullable(),
  /** The connection's settings at the provider (Okta: `domain`); nothing secret. */
  config: z.record(z.string(), z.string()),
  metadata,
  /** Grows with every change of the credential. */
  version: z.int(),
  /** When the credential was last proved to work. */
  verifiedAt: z.iso.datetime().nullable(),
  /** What proved it then: `connect`, `refresh`, `introspection`, `userinfo`, `request` or `token_request`. */
  verifiedBy: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Connection = z.infer<typeof connection>;

/** A page of connections; `nextCursor` is `null` on the last. */
export const connectionPage = z.object({ data: z.array(connection), nextCursor: z.string().nullable() });
export type ConnectionPage = z.infer<typeof connectionPage>;

/** What the browser may know of a connection: the argument of `onSuccess`. */
export const connectedAccount = connection.pick({
  id: true,
  integration: true,
  provider: true,
  label: true,
  status: true,
  account: true,
  scopes: true,
  missingScopes: true,
});
export type ConnectedAccount = z.infer<typeof connectedAccount>;

/** One of the connections that a session with the permission `list` sees: why it is as it is, and never a secret. */
export const listedConnection = connection.pick({
  id: true,
  integration: true,
  provider: true,
  label: true,
  status: true,
  reason: true,
  account: true,
  scopes: true,
  missingScopes: true,
});
export type ListedConnection = z.infer<typeof listedConnection>;

/** What `GET /connect/connections` answers the browser: all that the session's owner has, newest first. */
export const listedConnections = z.object({ data: z.array(listedConnection) });
export type ListedConnections = z.infer<typeof listedConnections>;

/** What `DELETE /v1/connections/{id}` answers: whether the provider confirmed the revocation. */
export const deletedConnection = z.object({ id: z.string(), revokedAtProvider: z.boolean() });
export type DeletedConnection = z.infer<typeof deletedConnection>;

/** What `DELETE /v1/tenants/{tenantId}` answers: how many connections there were, and how many the provider revoked. */
export const deletedTenant = z.object({ connections: z.int(), revokedAtProvider: z.int() });
export type DeletedTenant = z.infer<typeof deletedTenant>;

/** Body of `POST /v1/connections/{id}/refresh`; it may be left out. */
export const refreshConnectionRequest = z.strictObject({
  /** Refresh only for a token that is valid for so many seconds: not where the one there is does, nor where none does. */
  minValiditySeconds: z.int().min(1).max(86_400).optional(),
});
export type RefreshConnectionRequest = z.infer<typeof refreshConnectionRequest>;

/** Body of `POST /v1/connections/{id}/report`: how the provider's API answered a call with the credential. */
export const connectionReport = z.strictObject({
  status: z.literal([401, 403]),
  /** Which version of the credential was refused; the current one when left out. */
  version: z.int().min(1).optional(),
});
export type ConnectionReport = z.infer<typeof connectionReport>;
