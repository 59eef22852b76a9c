import type {
  ConnectionAccount,
  ConnectionKind,
  ConnectionOwner,
  ConnectionStatus,
  Metadata,
  StatusReason,
} from '@authpipe/types';
import type { PrivateJwk } from '../jwk.js';

/** The secret parts of a credential. Never logged, never in an error, sealed before it is written anywhere. */
export type CredentialSecrets =
  | {
      readonly kind: 'oauth2';
      readonly accessToken: string;
      readonly refreshToken: string | null;
      /** What the tokens are bound to, from the first exchange on. @see RFC 9449 */
      readonly dpopKey?: PrivateJwk | undefined;
    }
  | {
      readonly kind: 'client_credentials';
      readonly accessToken: string;
      /** There is none: a new access token is asked for by the client. @see RFC 6749 section 4.4.3 */
      readonly refreshToken: string | null;
      /** A client of the connection's own; `null`: the integration's. */
      readonly client: { readonly clientId: string; readonly clientSecret: string } | null;
      readonly dpopKey?: PrivateJwk | undefined;
    }
  | { readonly kind: 'api_key'; readonly apiKey: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'webhook_secret'; readonly webhookSecret: string };

/** A connection as the server sees it. Nothing in it is secret. */
export interface ConnectionRecord {
  readonly id: string;
  readonly environment: string;
  readonly integrationId: string;
  /** The integration's row; `null` for imported keys that need no OAuth client. */
  readonly integrationRowId: string | null;
  readonly provider: string;
  readonly authMethod: string;
  readonly kind: ConnectionKind;
  readonly tenantId: string;
  readonly owner: ConnectionOwner;
  readonly userId: string | null;
  readonly label: string;
  readonly status: ConnectionStatus;
  readonly reason: StatusReason | null;
  /** Since when the status holds. */
  readonly since: Date;
  readonly reconnectBy: Date | null;
  readonly account: ConnectionAccount | null;
  readonly requestedScopes: readonly string[];
  readonly scopes: readonly string[];
  /** Granted once, and no longer in the token. */
  readonly lostScopes: readonly string[];
  /** The API that refused, where the reason is about one. */
  readonly failedApi: string | null;
  /** The connection's own settings under those of its integration, which win. */
  readonly config: Record<string, string>;
  readonly metadata: Metadata;
  /** Of the credential. */
  readonly version: number;
  readonly verifiedAt: Date | null;
  readonly verifiedBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A connection with its opened credential, at one version. */
export interface StoredCredential {
  readonly connection: ConnectionRecord;
  readonly version: number;
  readonly secrets: CredentialSecrets;
  readonly tokenType: string;
  readonly issuedAt: Date;
  /** When the access token ends; `null` where no end is known. */
  readonly expiresAt: Date | null;
  /** When the refresh token ends, where that is known. */
  readonly refreshExpiresAt: Date | null;
  /** When the next refresh, or the next try, is due; `null` when nothing is to be refreshed. */
  readonly refreshAt: Date | null;
  /** Attempts that failed since the last success. */
  readonly refreshFailures: number;
  /** When a refresh was begun whose outcome nobody knows: its owner died, or no answer came. */
  readonly refreshIntentAt: Date | null;
  /** Until when somebody holds the leave to refresh. */
  readonly leaseUntil: Date | null;
  /** A bad verdict of a probe that waits for a second look. */
  readonly suspectedReason: StatusReason | null;
  /** When a look last found that it can do all that is asked of it; `null`: none has. */
  readonly workedAt: Date | null;
  /** Since when looks find otherwise. */
  readonly failingSince: Date | null;
  /** Since when the provider refuses to renew it, though nothing was told of it yet. */
  readonly renewalRefusedSince: Date | null;
}

/** What a read needs of a stored credential, and no more: reads are many, and each column costs all of them. */
export interface ServedCredential
  extends Pick<
    StoredCredential,
    'version' | 'secrets' | 'tokenType' | 'expiresAt' | 'refreshAt' | 'leaseUntil'
  > {
  readonly connection: Pick<
    ConnectionRecord,
    | 'id'
    | 'environment'
    | 'provider'
    | 'authMethod'
    | 'kind'
    | 'tenantId'
    | 'status'
    | 'reason'
    | 'account'
    | 'scopes'
    | 'config'
  >;
}

/** What a read found. */
export interface FoundCredential extends ServedCredential {
  /** About when it was last read; `null` where nobody did yet. */
  readonly lastUsedAt: Date | null;
}

/** Whether there is a refresh token to get the next access token with. */
export const hasRefreshToken = (secrets: CredentialSecrets): boolean =>
  'refreshToken' in secrets && secrets.refreshToken !== null;

/** Whether the next access token can be had without a person: by a refresh token, or by client credentials. */
export const canBeRenewed = (secrets: CredentialSecrets): boolean =>
  secrets.kind === 'client_credentials' || hasRefreshToken(secrets);
