import type { Authpipe } from '@authpipe/node';
import type { Credential } from '@authpipe/types';
import express, { Router } from 'express';
import { ActivityLog } from './activity-log.js';
import { type AppUser, signedInUser } from './app-session.js';
import { findOktaConnection, viewOf } from './okta-connection.js';
import { listOktaPeople, OktaCallError } from './okta-people.js';

/** What the routes work with. */
export interface ApiDependencies {
  readonly authpipe: Authpipe;
  readonly publicUrl: URL;
  readonly now: () => Date;
  /** Who the signed-in user is, for the screen. */
  readonly describeUser: (user: AppUser) => { organisation: string; name: string; role: string };
}

/**
 * The app's API. Tenant and user always come from the app's own session, so that nobody can name another's; and no
 * answer carries a credential.
 */
export function apiRoutes({ authpipe, publicUrl, now, describeUser }: ApiDependencies): Router {
  const router = Router();
  const logs = new Map<string, ActivityLog>();
  const logOf = ({ tenantId, userId }: AppUser): ActivityLog => {
    const key = JSON.stringify([tenantId, userId]);
    const log = logs.get(key) ?? new ActivityLog(now);
    logs.set(key, log);
    return log;
  };

  /**
   * For the connect button: a session for this user, this integration and this origin, and nothing else. For the list on the
   * settings page: one that lists and disconnects this user's connections, and connects nothing.
   */
  router.post('/connect-session', express.json({ limit: '4kb' }), async (request, response) => {
    const user = signedInUser(response);
    if (asksForList(request.body)) {
      const session = await authpipe.createConnectSession({
        ...user,
        permissions: ['list', 'disconnect'],
        allowedOrigins: [publicUrl.origin],
      });
      response.status(201).json({ token: session.token });
      return;
    }
    const existing = await findOktaConnection(authpipe, user);
    const session = await authpipe.createConnectSession({
      ...user,
      integrations: ['okta'],
      // The person's connection is mended, not doubled.
      ...(existing ? { connectionId: existing.id } : {}),
      allowedOrigins: [publicUrl.origin],
      returnUrl: new URL('/', publicUrl).href,
    });
    logOf(user).add('A connect session was made');
    response.status(201).json({ token: session.token });
  });

  /** The state of the integration, asked of Authpipe: a browser's word is never taken for it. */
  router.get('/integration', async (_request, response) => {
    const user = signedInUser(response);
    const connection = await findOktaConnection(authpipe, user);
    const log = logOf(user);
    log.observe(connection);
    const { organisation, ...person } = describeUser(user);
    response.json({
      organisation,
      user: person,
      connection: connection && viewOf(connection),
      activity: log.entries,
    });
  });

  /** The reason for it all: a call to the customer's Okta org, with a credential that is always fresh. */
  router.get('/users', async (_request, response) => {
    const user = signedInUser(response);
    const credential = await authpipe.getCredential({ provider: 'okta', ...user });
    try {
      response.json({ people: await listOktaPeople(credential) });
    } catch (error) {
      await reportRefusal(authpipe, credential, error);
      throw error;
    }
  });

  /** Looks at the connection now instead of at the next scheduled check. */
  router.post('/check', async (_request, response) => {
    const user = signedInUser(response);
    const connection = await findOktaConnection(authpipe, user);
    if (connection) await authpipe.checkConnection(connection.id);
    response.status(204).end();
  });

  /** Revokes at Okta, then erases. */
  router.post('/disconnect', async (_request, response) => {
    const user = signedInUser(response);
    const connection = await findOktaConnection(authpipe, user);
    if (connection) {
      const { revokedAtProvider } = await authpipe.deleteConnection(connection.id);
      logOf(user).observe(null);
      logOf(user).add(
        revokedAtProvider ? 'Okta confirmed the revocation' : 'Okta did not confirm the revocation',
      );
    }
    response.status(204).end();
  });

  return router;
}

/** What the page wants a session for: all that is taken from its request. */
const asksForList = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'permissions' in body;

/** Okta refused the credential itself: Authpipe should look now, not at its next scheduled check. */
async function reportRefusal(authpipe: Authpipe, credential: Credential, error: unknown): Promise<void> {
  if (!(error instanceof OktaCallError) || (error.status !== 401 && error.status !== 403)) return;
  const { connectionId, version } = credential;
  await authpipe
    .reportConnection(connectionId, { status: error.status, version })
    .catch((failure: unknown) => {
      // The person is told of Okta's refusal either way.
      console.warn('Authpipe could not be told of the refusal:', failure);
    });
}
