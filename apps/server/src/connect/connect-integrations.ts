import type { ConnectedAccount } from '@authpipe/types';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import type { NewGrant, SavedGrant } from '../credentials/grant-store.js';
import type { OAuthClient } from '../oauth/oauth.js';

/** What connecting needs to know of an OAuth client; its secret comes by `openClient` alone. */
export interface ConnectIntegration {
  readonly rowId: string;
  readonly environment: string;
  readonly integrationId: string;
  readonly tenantId: string | null;
  readonly provider: string;
  readonly authMethod: string;
  readonly scopes: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly redirectUri: string | null;
  /** Whether tokens are to be bound to a key of the connection's own (RFC 9449). */
  readonly dpop: boolean;
  readonly version: number;
}

/** The OAuth clients, as far as connecting uses them. */
export interface ConnectIntegrations {
  /** A tenant's own hide the product's of the same id. */
  findIntegrations(filter: { environment: string; tenantId: string }): Promise<readonly ConnectIntegration[]>;
  /** The integration with its client, opened; null when it is gone. */
  openIntegration(rowId: string): Promise<{
    readonly integration: ConnectIntegration;
    readonly client: OAuthClient;
  } | null>;
}

/** The connections, as far as connecting uses them. */
export interface ConnectConnections {
  findRecord(id: string, environment: string): Promise<ConnectionRecord | null>;
  saveGrant(grant: NewGrant): Promise<SavedGrant>;
  /** What a browser may know of a connection. */
  toConnectedAccount(record: ConnectionRecord): ConnectedAccount;
}
