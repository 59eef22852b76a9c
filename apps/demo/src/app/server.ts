import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Authpipe } from '@authpipe/node';
import express from 'express';
import { answerErrors } from './answer-errors.js';
import { apiRoutes } from './api-routes.js';
import { AppSessions, type AppUser } from './app-session.js';
import { sameOriginOnly } from './same-origin-guard.js';
import { securityHeaders } from './security-headers.js';

export interface AppOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Where people open the app. */
  readonly publicUrl: URL;
  readonly authpipe: Authpipe;
  /** Where the page finds Authpipe's hosted pages. */
  readonly authpipePublicUrl: string;
  /** The built page: `index.html` and its assets. */
  readonly webFolder: string;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}

export interface RunningApp {
  readonly port: number;
  /** Ends open connections and stops listening. */
  close(): Promise<void>;
}

/** One built page, which shows what its address asks for. */
const PAGES = ['/', '/settings'];

/** Everybody who opens the demo is this person; your app asks its own sign-in instead. */
const DEMO_USER: AppUser = { tenantId: 'org_acme', userId: 'user_123' };

/**
 * Starts the sample app, “Crewdesk”: a page, its API, and Authpipe behind it.
 * @throws Error when the port cannot be had.
 */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { authpipe, publicUrl, webFolder, now = () => new Date() } = options;
  const sessions = new AppSessions({
    secure: publicUrl.protocol === 'https:',
    nowMillis: () => now().getTime(),
  });

  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders(new URL(options.authpipePublicUrl).origin));

  app.get(PAGES, (request, response) => {
    if (!sessions.userOf(request)) sessions.signIn(response, DEMO_USER);
    response.set('Cache-Control', 'no-store').sendFile(join(webFolder, 'index.html'));
  });
  app.use('/assets', express.static(join(webFolder, 'assets'), { immutable: true, maxAge: '1y' }));

  app.use('/api', sameOriginOnly(publicUrl), sessions.require, (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use('/api', apiRoutes({ authpipe, publicUrl, now, describeUser }));
  app.use((_request, response) => {
    response.status(404).json({ error: { code: 'not_found', message: 'There is nothing here.' } });
  });
  app.use(answerErrors);

  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const describeUser = (_user: AppUser) => ({
  organisation: 'Acme Inc.',
  name: 'Dana Reyes',
  role: 'IT administrator',
});
