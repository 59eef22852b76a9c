import type { CONNECT_MESSAGE_TYPE, ConnectSessionState } from '@authpipe/types';
import type { Popup } from './browser.js';
import { isSessionState } from './session-status.js';

/** Spelled out, because a runtime import of the types package would bring zod into the bundle. */
const MESSAGE_TYPE: typeof CONNECT_MESSAGE_TYPE = 'authpipe:connect';

/** Who may speak: the page of the server's origin, in the popup that this flow opened. */
export interface ExpectedSender {
  readonly origin: string;
  readonly popup: Popup | null;
}

/** The session state that the hosted page posted, or `null` for a message of anyone or anything else. */
export function readConnectMessage(event: MessageEvent, sender: ExpectedSender): ConnectSessionState | null {
  if (event.origin !== sender.origin) return null;
  if (!sender.popup || (event.source as unknown) !== sender.popup) return null;
  const data = event.data as { type?: unknown; session?: unknown } | null;
  if (data?.type !== MESSAGE_TYPE || !isSessionState(data.session)) return null;
  return data.session;
}
