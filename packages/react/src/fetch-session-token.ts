import type { Browser } from './browser.js';
import { ConnectError } from './connect-error.js';
import type { SessionRequest, SessionSource } from './session-source.js';

/** A session function that takes longer has failed: a blank popup must not wait for ever. */
const SESSION_TIMEOUT_MILLIS = 20_000;

/**
 * A session token: the given one, or what the app's function fetches.
 * @throws ConnectError `session_unavailable` when the function fails or takes longer than 20 seconds
 */
export async function fetchSessionToken(
  session: SessionSource,
  request: SessionRequest,
  browser: Browser,
): Promise<string> {
  if (typeof session === 'string') return session;
  let cancelTimeout = (): void => {};
  const timeout = new Promise<never>((_resolve, reject) => {
    cancelTimeout = browser.after(SESSION_TIMEOUT_MILLIS, () => {
      reject(new Error(`no answer within ${SESSION_TIMEOUT_MILLIS / 1000} s`));
    });
  });
  try {
    return await Promise.race([session(request), timeout]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it was rejected';
    throw new ConnectError(
      'session_unavailable',
      `The session function of AuthpipeProvider failed: ${reason}. Check the route of your backend.`,
      { cause },
    );
  } finally {
    cancelTimeout();
  }
}
