import type { ConnectSessionState, ConnectSessionStatus } from '@authpipe/types';
import type { Browser } from './browser.js';
import { ConnectError } from './connect-error.js';

/** A request that takes longer is given up and counts as no answer. */
const STATUS_TIMEOUT_MILLIS = 10_000;

const STATUSES: Record<ConnectSessionStatus, true> = {
  pending: true,
  awaiting_finish: true,
  complete: true,
  failed: true,
  expired: true,
};

/** What came of asking: a state; a refusal, which is final; or no answer, which may pass. */
export type StatusAnswer =
  | { readonly state: ConnectSessionState }
  | { readonly refused: ConnectError }
  | { readonly unreachable: ConnectError };

/** Asks the server how the session stands (`GET /connect/session`, over CORS). Never throws. */
export async function askSessionStatus(
  browser: Browser,
  serverUrl: string,
  token: string,
): Promise<StatusAnswer> {
  const controller = new AbortController();
  const cancelTimeout = browser.after(STATUS_TIMEOUT_MILLIS, () => controller.abort());
  try {
    const response = await browser.fetch(`${serverUrl}/connect/session`, {
      headers: { Authorization: `Bearer ${token}` },
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      signal: controller.signal,
    });
    if (response.status === 401 || response.status === 403) return { refused: notAccepted() };
    if (response.status === 410) return { refused: sessionExpired() };
    const body: unknown = response.ok ? await response.json() : null;
    if (isSessionState(body)) return { state: body };
    return {
      unreachable: new ConnectError(
        'server_unreachable',
        `${serverUrl} answered ${response.status}: is baseUrl your Authpipe server, and is it up?`,
      ),
    };
  } catch (cause) {
    return {
      unreachable: noAnswer(browser, serverUrl, cause),
    };
  } finally {
    cancelTimeout();
  }
}

/** Whether something from the network is a session's state, as far as this package relies on it. */
export function isSessionState(value: unknown): value is ConnectSessionState {
  const { id, status } = (value ?? {}) as { id?: unknown; status?: unknown };
  return typeof id === 'string' && typeof status === 'string' && Object.hasOwn(STATUSES, status);
}

/** Nothing came back: the network, CORS, or a policy of the page; a browser does not say which. */
export const noAnswer = (browser: Browser, serverUrl: string, cause: unknown) =>
  new ConnectError(
    'server_unreachable',
    `${serverUrl} did not answer: check that it is up, ${browser.window.origin} is in the session's allowedOrigins, and the page's Content-Security-Policy allows it.`,
    { cause },
  );

/** The session ran out before the person finished. */
export const sessionExpired = (): ConnectError =>
  new ConnectError(
    'session_expired',
    'The session is over: give AuthpipeProvider a function, which gets a new one at each click.',
  );

const notAccepted = (): ConnectError =>
  new ConnectError('unauthorized', 'The session token is not accepted: fetch a new one.');
