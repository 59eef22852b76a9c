import type { CreatedConnectSession } from '@authpipe/types';
import {
  type Browser,
  CLIENT,
  type ConnectWorld,
  createBrowser,
  newSession,
  type Page,
  pressButton,
} from './connect-world.js';
import { type Heard, json, startHostileServer } from './hostile-server.js';

/** What one authorization server does otherwise than a good one. */
export interface Misdeed {
  /** Changes its metadata. */
  readonly discover?: Record<string, unknown>;
  /** Changes what comes back with the person; `undefined` leaves a parameter out. */
  readonly answer?: Record<string, string | undefined>;
  /** Changes the ID token's claims. */
  readonly claims?: Record<string, unknown>;
  /** Changes the token answer. */
  readonly token?: Record<string, unknown>;
  /** Another host than its own, on its integration. */
  readonly domain?: string;
  /** Of its integration. */
  readonly redirectUri?: string;
}

/** What the tests read of a line of the audit. */
export interface AuditLine {
  readonly audit?: string;
  readonly sessionId?: string;
  readonly tenantId?: string;
  readonly userId?: string;
  readonly outcome?: string;
  readonly detail?: string;
  readonly failedCheck?: string | null;
}

/** No token of these tests may be seen where secrets have no business. */
const PLANTED = { access_token: 'planted-access-token', refresh_token: 'planted-refresh-token' };

let trials = 0;

const addressOf = (asked: URLSearchParams, answer: Misdeed['answer']): string => {
  const back = new URL(asked.get('redirect_uri') ?? '');
  const told = { code: 'planted-code', state: asked.get('state') ?? '', ...answer };
  for (const [name, value] of Object.entries(told))
    if (value !== undefined) back.searchParams.set(name, value);
  return back.href;
};

/**
 * An authorization server of its own, set up as an integration of its own, and a session for it. It signs everybody in
 * without a word: whoever is sent there comes right back.
 */
export const startTrial = async (world: ConnectWorld, misdeed: Misdeed = {}) => {
  trials += 1;
  const integrationId = `hostile_${trials}`;
  const userId = `user_${trials}`;
  const server = await startHostileServer();
  const linesBefore = world.logLines.length;
  const asked: URLSearchParams[] = [];
  server.discover(misdeed.discover ?? {});
  server.handle('/authorize', ({ query }, response) => {
    asked.push(query);
    response.writeHead(303, { location: addressOf(query, misdeed.answer) }).end();
  });
  /** The token answer to the latest person, as a good server would give it but for the misdeed. */
  const grant = async (change: Record<string, unknown> = {}) => {
    const claims = { aud: CLIENT.clientId, nonce: asked.at(-1)?.get('nonce'), ...misdeed.claims };
    return server.grant({ ...PLANTED, id_token: await server.idToken(claims), ...misdeed.token, ...change });
  };
  server.handle('/token', async (heard, response) => json(await grant())(heard, response));
  await world.setUp(integrationId, {
    provider: 'hostile',
    config: { domain: misdeed.domain ?? server.host },
    ...(misdeed.redirectUri === undefined ? {} : { redirectUri: misdeed.redirectUri }),
  });

  const openSession = () => newSession(world, { userId, integrations: [integrationId] });
  /** To the provider: the page's first button says so, in other words after a failure. */
  const enter = async (browser: Browser, session: CreatedConnectSession): Promise<Page> => {
    const hosted = await pressButton(world, browser, session, { integration: integrationId });
    return hosted.submit({});
  };
  const session = await openSession();

  return {
    server,
    userId,
    session,
    openSession,
    /** What people were sent here with. */
    asked,
    grant,
    /** The whole way, in a new browser. */
    walk: (made = session) => enter(createBrowser(), made),
    /** The way to the callback, in front of which the browser stops. */
    walkToCallback: async (made = session) => {
      let isStopping = true;
      const browser = createBrowser({
        stopAt: (url) => isStopping && url.href.startsWith(world.callback),
      });
      const { url: callback } = await enter(browser, made);
      return {
        callback,
        resume: (url = callback) => {
          isStopping = false;
          return browser.open(url);
        },
      };
    },
    /** What its token endpoint was sent. */
    codes: (): Heard[] => server.heardAt('/token'),
    /** The lines of the audit about the first session, since the trial began. */
    audit: () =>
      world.logLines
        .slice(linesBefore)
        .map((line): AuditLine => JSON.parse(line))
        .filter((line) => line.audit !== undefined && line.sessionId === session.id),
    connections: () => world.db.prisma.connection.count({ where: { userId } }),
  };
};

export type Trial = Awaited<ReturnType<typeof startTrial>>;
