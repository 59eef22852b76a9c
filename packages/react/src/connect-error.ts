import type { SessionErrorCode } from '@authpipe/types';

/**
 * Why a connect did not succeed: what the session says, or what kept the browser from asking.
 * - `popup_blocked`: the browser refused the window.
 * - `server_unreachable`: Authpipe did not answer this page (network, or CORS).
 * - `unauthorized`: the session token is not accepted.
 * - `session_unavailable`: the app's own `session` function failed.
 */
export type ConnectErrorCode =
  | Exclude<SessionErrorCode, 'cancelled'>
  | 'popup_blocked'
  | 'server_unreachable'
  | 'unauthorized'
  | 'session_unavailable';

/**
 * What `onError` is given. `message` is for developers and says what to do next; show people a sentence of your own
 * by `code`. Never carries a token.
 */
export class ConnectError<Code extends string = ConnectErrorCode> extends Error {
  override readonly name = 'ConnectError';
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
