import type { ConnectedAccount, ConnectSessionState } from '@authpipe/types';
import type { Browser, Popup } from './browser.js';
import { ConnectError } from './connect-error.js';
import { readConnectMessage } from './connect-message.js';
import { askSessionStatus, sessionExpired } from './session-status.js';

/** How often the session is asked for: often enough to feel immediate where no message can arrive. */
const POLL_INTERVAL_MILLIS = 1_000;

/**
 * How many looks in a row must find the popup gone, the session pending and this page focused before it counts as
 * a cancel. `popup.closed` also reads true for an open popup whose opener was severed by
 * Cross-Origin-Opener-Policy; but a person at work in that popup does not keep this page focused for half a minute.
 */
const GONE_LOOKS_BEFORE_CANCEL = 30;

/** How many unanswered looks in a row, with the popup gone, are too many: a network that comes back is no error. */
const UNANSWERED_LOOKS_BEFORE_ERROR = 10;

/** How an attempt ended. */
export type ConnectOutcome =
  | { readonly connection: ConnectedAccount }
  | { readonly error: ConnectError }
  | { readonly cancelled: true };

/** One session on its way, and who wants to know. */
export interface ConnectAttemptOptions {
  readonly browser: Browser;
  readonly serverUrl: string;
  readonly token: string;
  /** `null` after a redirect: there is no window to wait for. */
  readonly popup: Popup | null;
  /** Called once. */
  readonly onOutcome: (outcome: ConnectOutcome) => void;
  /** The popup looks closed; it may still be open. */
  readonly onWindowGone: () => void;
  /** The person has finished; the backend has to present its code verifier. Called once. */
  readonly onAwaitingFinish: (sessionId: string) => void;
}

/**
 * Watches one connect session until it ends. The end is learnt from a message of the hosted page or from the session's status,
 * whichever comes first, and never from the popup alone.
 */
export class ConnectAttempt {
  readonly #options: ConnectAttemptOptions;
  readonly #serverOrigin: string;
  #sessionId: string | null = null;
  #running = false;
  #looking = false;
  #toldAwaitingFinish = false;
  #goneLooks = 0;
  #unansweredLooks = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: ConnectAttemptOptions) {
    this.#options = options;
    this.#serverOrigin = new URL(options.serverUrl).origin;
  }

  /** Begins to watch. The first look learns the session's id, by which messages are told apart. */
  start(): void {
    this.#running = true;
    const { window } = this.#options.browser;
    window.addEventListener('message', this.#onMessage);
    window.addEventListener('focus', this.#look);
    this.#look();
  }

  /** Stops watching; no callback is called afterwards. The popup is left to the person. */
  stop(): void {
    this.#running = false;
    this.#cancelTimer();
    const { window } = this.#options.browser;
    window.removeEventListener('message', this.#onMessage);
    window.removeEventListener('focus', this.#look);
  }

  readonly #onMessage = (event: MessageEvent): void => {
    const session = readConnectMessage(event, { origin: this.#serverOrigin, popup: this.#options.popup });
    if (!session) return;
    if (this.#sessionId === null) this.#look();
    else if (session.id === this.#sessionId) this.#conclude(session);
  };

  readonly #look = async (): Promise<void> => {
    if (this.#looking || !this.#running) return;
    this.#looking = true;
    this.#cancelTimer();
    const { browser, serverUrl, token, popup } = this.#options;
    // Read before asking: a popup that closes while the answer is on its way gets one more look.
    const windowGone = popup === null || popup.closed;
    const answer = await askSessionStatus(browser, serverUrl, token);
    this.#looking = false;
    if (!this.#running) return;
    // Before the app is told anything: a callback of its own that throws must not end the watch.
    this.#cancelTimer = browser.after(POLL_INTERVAL_MILLIS, this.#look);

    if ('refused' in answer) this.#end({ error: answer.refused });
    else if ('unreachable' in answer) this.#countUnanswered(windowGone, answer.unreachable);
    else {
      this.#unansweredLooks = 0;
      this.#sessionId = answer.state.id;
      this.#conclude(answer.state);
      if (answer.state.status === 'pending') this.#countGone(windowGone);
    }
  };

  #conclude(session: ConnectSessionState): void {
    if (session.status === 'complete') {
      this.#end(
        session.connection
          ? { connection: session.connection }
          : { error: new ConnectError('provider_error', 'The session names no connection.') },
      );
    } else if (session.status === 'failed') {
      const { code = 'provider_error', detail = 'The connect failed.' } = session.error ?? {};
      this.#end(code === 'cancelled' ? { cancelled: true } : { error: new ConnectError(code, detail) });
    } else if (session.status === 'expired') {
      this.#end({ error: sessionExpired() });
    } else if (session.status === 'awaiting_finish' && !this.#toldAwaitingFinish) {
      this.#toldAwaitingFinish = true;
      this.#options.onAwaitingFinish(session.id);
    }
  }

  #countGone(windowGone: boolean): void {
    const { browser, popup, onWindowGone } = this.#options;
    if (!windowGone) return;
    onWindowGone();
    // After a redirect nobody is at work any more: pending means that the person came back without finishing.
    this.#goneLooks = browser.window.document.hasFocus() ? this.#goneLooks + 1 : 0;
    if (popup === null || this.#goneLooks >= GONE_LOOKS_BEFORE_CANCEL) this.#end({ cancelled: true });
  }

  #countUnanswered(windowGone: boolean, error: ConnectError): void {
    this.#unansweredLooks += 1;
    if (!windowGone) return;
    this.#options.onWindowGone();
    if (this.#unansweredLooks >= UNANSWERED_LOOKS_BEFORE_ERROR) this.#end({ error });
  }

  #end(outcome: ConnectOutcome): void {
    if (!this.#running) return;
    this.stop();
    // A failed session's page tells the person what happened: only a finished one is closed for them.
    if ('connection' in outcome) this.#options.popup?.close();
    this.#options.onOutcome(outcome);
  }
}
