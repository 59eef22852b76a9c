import { type Authpipe, AuthpipeError } from '@authpipe/node';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';

/** What the app brings: its own login, and where its pages are. */
export interface AppSettings {
  /** Who is signed in. Never from the request's own words: a tenant that a page can choose is everybody's tenant. */
  readonly signedIn: (request: Request) => { readonly tenantId: string; readonly userId: string };
  /** Such as `https://app.example.com`. */
  readonly pagesOrigin: string;
  /** `whsec_…` */
  readonly webhookSecret: string | undefined;
  /** Asks a person to connect an account again, by mail say. */
  readonly askToReconnect: (tenantId: string | null, userId: string | null) => void;
}

/** A product's backend that shows people of a customer's directory. */
export const createApp = (authpipe: Authpipe, settings: AppSettings): Express => {
  const app = express();

  // The page's <AuthpipeProvider session={…}> gets its token here.
  app.post('/connect-session', async (request, response) => {
    const { tenantId, userId } = settings.signedIn(request);
    const { token } = await authpipe.createConnectSession({
      ...{ tenantId, userId, allowedOrigins: [settings.pagesOrigin] },
    });
    response.json({ token });
  });

  app.get('/people', async (request, response) => {
    const { tenantId, userId } = settings.signedIn(request);
    const ref = { provider: 'okta', tenantId, userId } as const;
    const answer = await authpipe.fetch(ref, '/api/v1/users?limit=20', {
      signal: AbortSignal.timeout(10_000),
    });
    response.status(answer.ok ? 200 : 502).json(await answer.json());
  });

  // The raw body: what a JSON parser made of it has other bytes than were signed.
  app.post('/webhooks/authpipe', express.raw({ type: 'application/json' }), (request, response) => {
    const event = authpipe.verifyWebhook({
      ...{ headers: request.headers, body: request.body, secret: settings.webhookSecret },
    });
    if (event.type === 'connection.needs_reconnect') settings.askToReconnect(event.tenantId, event.userId);
    response.sendStatus(204);
  });

  app.use(answerErrors);
  return app;
};

const answerErrors: ErrorRequestHandler = (error, _request, response, next) => {
  if (!(error instanceof AuthpipeError)) {
    next(error);
  } else if (error.code === 'needs_reconnect' || error.code === 'connection_not_found') {
    response.status(409).json({ connect: true, connectionId: error.connectionId ?? null });
  } else if (error.code === 'webhook_invalid') {
    response.status(400).json({ reason: error.reason });
  } else {
    response
      .status(error.retryable ? 503 : 500)
      .json({ code: error.code, requestId: error.requestId ?? null });
  }
};
