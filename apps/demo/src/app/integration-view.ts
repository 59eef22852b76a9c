import type { ConnectionAccount, ConnectionStatus, StatusReason } from '@authpipe/types';

/** What the page knows of the connection: everything it needs, and no credential. */
export interface ConnectionView {
  readonly id: string;
  readonly status: ConnectionStatus;
  readonly reason: StatusReason | null;
  readonly since: string;
  readonly reconnectBy: string | null;
  readonly verifiedAt: string | null;
  readonly account: ConnectionAccount | null;
  readonly scopes: readonly string[];
  readonly missingScopes: readonly string[];
  /** Which version of the credential the vault holds; grows with each refresh. */
  readonly version: number;
}

/** One line of the activity log. */
export interface ActivityEntry {
  readonly id: number;
  readonly at: string;
  readonly text: string;
}

/** Answer to `GET /api/integration`. */
export interface IntegrationView {
  readonly organisation: string;
  readonly user: { readonly name: string; readonly role: string };
  readonly connection: ConnectionView | null;
  readonly activity: readonly ActivityEntry[];
}

/** A person of the customer's Okta org, as the directory lists them. */
export interface OktaPerson {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly status: string;
}

/** Answer to `GET /api/users`. */
export interface PeopleView {
  readonly people: readonly OktaPerson[];
}

/** Every error that the app's API answers with. */
export interface ErrorView {
  readonly error: { readonly code: string; readonly message: string };
}
