import type { ConnectSessionRequest, CreatedConnectSession } from '@authpipe/types';
import { type Browser, createBrowser, type Page } from '../../src/walk/index.js';
import type { RunningDemo } from './running-demo.js';

/** Whom the sample app connects for. */
export const OWNER = { tenantId: 'org_acme', userId: 'user_123' } as const;

export const ADA = 'ada@acme.test';
export const GRACE = 'grace@acme.test';

/** One person's attempt to connect, page by page. */
export interface Attempt {
  readonly session: CreatedConnectSession;
  readonly browser: Browser;
  /** The hosted page. */
  readonly hosted: Page;
}

/** A session as an app's backend makes it, for pages of the sample app's origin. */
export const newSession = (
  { authpipe, appUrl }: RunningDemo,
  request: Partial<ConnectSessionRequest> = {},
): Promise<CreatedConnectSession> =>
  authpipe.createConnectSession({ ...OWNER, integrations: ['okta'], allowedOrigins: [appUrl], ...request });

/** Opens the hosted page as the button does, from a page of `origin`. */
export const openByButton = (
  { authpipeUrl, appUrl }: RunningDemo,
  browser: Browser,
  token: string,
  { origin = appUrl, display = 'popup' } = {},
): Promise<Page> =>
  browser.post(`${authpipeUrl}/connect`, { token, integration: 'okta', display }, { origin });

/** A new session, open in a new browser. */
export async function beginConnect(
  demo: RunningDemo,
  request: Partial<ConnectSessionRequest> = {},
): Promise<Attempt> {
  const session = await newSession(demo, request);
  const browser = createBrowser();
  return { session, browser, hosted: await openByButton(demo, browser, session.token) };
}

/** Goes on at the hosted page and signs in at the org. @returns the consent page */
export async function signIn(hosted: Page, email: string = ADA): Promise<Page> {
  const signInPage = await hosted.submit({ button: 'Continue' });
  return signInPage.submit({ button: `person=${email}` });
}

/** The rest of the way from the hosted page. @returns the page it ends on */
export async function signInAndAllow(hosted: Page, email: string = ADA): Promise<Page> {
  return (await signIn(hosted, email)).submit({ button: 'Allow access' });
}

/** Connects, and @returns the connection's id. */
export async function connect(
  demo: RunningDemo,
  email: string = ADA,
  request: Partial<ConnectSessionRequest> = {},
): Promise<string> {
  const { session, hosted } = await beginConnect(demo, request);
  const done = await signInAndAllow(hosted, email);
  const { connection, error } = await demo.authpipe.getConnectSession(session.id);
  if (!connection) throw new Error(`Nothing was connected (${error?.code}). The page said: ${done.text}`);
  return connection.id;
}

/** Looks until there is something to see, for what a schedule brings. */
export async function eventually<Seen>(
  look: () => Promise<Seen | null>,
  { seconds }: { seconds: number },
): Promise<Seen> {
  const deadlineMillis = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadlineMillis) throw new Error(`Nothing was seen within ${seconds} s.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
