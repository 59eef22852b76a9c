import type { Authpipe } from '@authpipe/node';
import type { Connection } from '@authpipe/types';
import type { AppUser } from './app-session.js';
import type { ConnectionView } from './integration-view.js';

/** The user's Okta connection, or `null`. The app keeps no copy: Authpipe is asked. */
export async function findOktaConnection(authpipe: Authpipe, user: AppUser): Promise<Connection | null> {
  for await (const connection of authpipe.listConnections({ ...user, integration: 'okta' })) {
    // One account a person is enough here, so it is the one without a label of its own.
    if (connection.label === 'default') return connection;
  }
  return null;
}

/** What of it the page is shown. */
export const viewOf = (connection: Connection): ConnectionView => ({
  id: connection.id,
  status: connection.status,
  reason: connection.reason,
  since: connection.since,
  reconnectBy: connection.reconnectBy,
  verifiedAt: connection.verifiedAt,
  account: connection.account,
  scopes: connection.scopes,
  missingScopes: connection.missingScopes,
  version: connection.version,
});
