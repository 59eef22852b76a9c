import { type RequestHandler, Router } from 'express';
import type { Connect } from '../../connect/create-connect.js';
import { allowPreflight, bySessionToken } from './session-access.js';

/** The browser's look at its own session, by the session token: the state, and never a credential. */
export const sessionLook = (
  connect: Pick<Connect, 'readByToken'>,
  limit: RequestHandler,
  publicUrl: string,
): Router => {
  const router = Router();
  router.options('/connect/session', limit, allowPreflight('GET'));
  router.get(
    '/connect/session',
    limit,
    bySessionToken(connect, publicUrl, async ({ state }) => state),
  );
  return router;
};
