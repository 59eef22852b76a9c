import type { ListedConnections } from '@authpipe/types';
import { type RequestHandler, Router } from 'express';
import type { Connect } from '../../connect/create-connect.js';
import type { OwnerConnections } from '../../connect/owner-connections.js';
import { allowPreflight, bySessionToken } from './session-access.js';

export interface OwnerRoutesDependencies {
  readonly connect: Pick<Connect, 'readByToken'>;
  readonly ownerConnections: OwnerConnections;
  readonly limit: RequestHandler;
  /** Without a trailing slash. */
  readonly publicUrl: string;
}

/** What a settings page asks by its session token: the owner's connections, and the end of one. Never a credential. */
export const ownerRoutes = ({
  connect,
  ownerConnections: { listOwned, disconnectOwned },
  limit,
  publicUrl,
}: OwnerRoutesDependencies): Router => {
  const router = Router();
  router.options('/connect/connections', limit, allowPreflight('GET'));
  router.get(
    '/connect/connections',
    limit,
    bySessionToken(
      connect,
      publicUrl,
      async ({ session }): Promise<ListedConnections> => ({ data: await listOwned(session) }),
    ),
  );
  router.options('/connect/connections/:connectionId', limit, allowPreflight('DELETE'));
  router.delete(
    '/connect/connections/:connectionId',
    limit,
    bySessionToken(connect, publicUrl, ({ session }, request) =>
      disconnectOwned(session, String(request.params.connectionId)),
    ),
  );
  return router;
};
