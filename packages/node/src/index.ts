export type {
  AuthpipeEvent,
  CatalogueProviderId,
  Connection,
  ConnectionReport,
  ConnectSessionRequest,
  ConnectSessionState,
  CreatedConnectSession,
  Credential,
  DeletedConnection,
  DeletedTenant,
  EventType,
  FieldError,
  ImportConnectionRequest,
  Integration,
  IntegrationRequest,
  Metadata,
  NamedSecret,
  NamedSecretInfo,
  ProviderId,
} from '@authpipe/types';
export { Authpipe, type Freshness } from './client.js';
export type { Clock, SleepOptions } from './clock.js';
export type { CallOptions, ConnectionFilter, CreateOptions } from './connections.js';
export type { ReadOptions } from './credential-reader.js';
export type { ConnectionIdRef, CredentialRef, Owner, OwnerRef, Target } from './credential-ref.js';
export { AuthpipeError, type AuthpipeErrorCode, type AuthpipeErrorDetails } from './errors.js';
export type { FetchInput } from './fetch/outgoing-request.js';
export type { IntegrationOptions } from './integrations.js';
export type {
  AuthpipeHooks,
  ErrorNote,
  EvictNote,
  EvictReason,
  MissNote,
  ReadNote,
  RefreshNote,
} from './observe/hooks.js';
export type { AuthpipeOptions } from './options.js';
export type { PreloadFailure, PreloadResult, PreloadScope } from './preload.js';
export type { ProviderWebhookInput } from './provider-webhooks.js';
export { type EndpointSecrets, type VerifyWebhookInput, verifyWebhook } from './verify-webhook.js';
export type { WebhookFault } from './webhook-error.js';
export type { WebhookBody, WebhookHeaders, WebhookRequest } from './webhook-request.js';
