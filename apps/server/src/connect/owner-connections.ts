import type { Connection, ConnectionPage, DeletedConnection, ListedConnection } from '@authpipe/types';
import type { Clock } from '../clock.js';
import { Problem } from '../errors/problem.js';
import { asPerson } from './as-person.js';
import { type ConnectSession, isOver } from './connect-session.js';
import { belongsTo } from './create-session.js';

/** Connections are read this many at a time. */
const PAGE_LIMIT = 100;

export interface OwnerConnectionsDependencies {
  /** Newest first. */
  readonly listConnections: (
    filter: { tenantId: string; owner: 'user' | 'tenant'; userId?: string | undefined },
    page: { environment: string; cursor: string | null; limit: number },
  ) => Promise<ConnectionPage>;
  /** @throws Problem `connection_not_found` */
  readonly getConnection: (id: string, environment: string) => Promise<Connection>;
  /** Revokes at the provider, then erases. @throws Problem `connection_not_found`, `conflict` */
  readonly deleteConnection: (id: string, environment: string) => Promise<DeletedConnection>;
  readonly clock: Clock;
}

const toListed = (connection: Connection): ListedConnection => {
  const { id, integration, provider, label, status, reason, account, scopes, missingScopes } = connection;
  return { id, integration, provider, label, status, reason, account, scopes, missingScopes };
};

/** Whether a session may speak of a connection: its owner's, of an integration that the session is for. */
const covers = (session: ConnectSession, connection: Connection): boolean =>
  belongsTo(connection, session) &&
  (session.integrations.length === 0 || session.integrations.includes(connection.integration));

/** What the browser may ask of the connections that are its session's owner's. */
export const createOwnerConnections = ({
  listConnections,
  getConnection,
  deleteConnection,
  clock,
}: OwnerConnectionsDependencies) => {
  /** Until the session's time is over, whether or not somebody connected with it. */
  const require = (session: ConnectSession, permission: 'list' | 'disconnect'): void => {
    if (isOver(session, clock.now())) {
      throw new Problem('session_expired', 'The connect session is over: fetch a new one.');
    }
    if (!session.permissions.includes(permission)) {
      throw new Problem(
        'forbidden',
        `This connect session lacks the permission ${permission}: create it with "permissions": ["${permission}", …].`,
      );
    }
  };

  return {
    /**
     * All that the session's owner has connected, newest first; only the session's integrations, where it names some.
     * @throws Problem `session_expired`, `forbidden` without the permission `list`
     */
    async listOwned(session: ConnectSession): Promise<ListedConnection[]> {
      require(session, 'list');
      const { environment, tenantId, owner, userId } = session;
      // A user's look-up without a user would be everybody's.
      if (owner === 'user' && userId === null) throw new TypeError('a session of a user names no user');
      const filter = { tenantId, owner, ...(userId === null ? {} : { userId }) };
      const owned: ListedConnection[] = [];
      let cursor: string | null = null;
      do {
        const page: ConnectionPage = await listConnections(filter, {
          environment,
          cursor,
          limit: PAGE_LIMIT,
        });
        owned.push(...page.data.filter((connection) => covers(session, connection)).map(toListed));
        cursor = page.nextCursor;
      } while (cursor !== null);
      return owned;
    },

    /**
     * Ends one of them.
     * @throws Problem `session_expired`, `forbidden` without the permission `disconnect`; `connection_not_found`, for
     *   somebody else's too: which ids exist is nobody's business; `conflict`
     */
    async disconnectOwned(session: ConnectSession, connectionId: string): Promise<DeletedConnection> {
      require(session, 'disconnect');
      const connection = await getConnection(connectionId, session.environment);
      if (!covers(session, connection)) {
        throw new Problem('connection_not_found', 'There is no such connection of this session’s owner.');
      }
      return asPerson(session, () => deleteConnection(connectionId, session.environment));
    },
  };
};

/** What the browser's routes use. */
export type OwnerConnections = ReturnType<typeof createOwnerConnections>;
