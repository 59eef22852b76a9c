import type { ConnectedAccount, ConnectionStatus } from '@authpipe/types';
import { type Browser, type Popup, realBrowser } from './browser.js';
import { ConnectAttempt, type ConnectOutcome } from './connect-attempt.js';
import { ConnectError } from './connect-error.js';
import { fetchSessionToken } from './fetch-session-token.js';
import { openPopup, postConnectForm } from './open-connect-page.js';
import { RedirectReturn, rememberRedirect } from './redirect-return.js';
import type { ConnectRequest, SessionSource } from './session-source.js';
import { serverUrlOf } from './session-token.js';

/**
 * Where the hosted pages are shown. `popup`: in a popup; blocked → `popup_blocked`. `redirect`: in this window.
 * `auto`: a popup, and this window where popups are blocked. The last two need `returnUrl` on the session.
 */
export type ConnectDisplay = 'popup' | 'redirect' | 'auto';

export interface ConnectFlowOptions {
  readonly session: SessionSource;
  readonly provider: string;
  /** The integration's id; the provider's id when left out. */
  readonly integration?: string | undefined;
  /** Reconnects this connection: it keeps its id. */
  readonly connectionId?: string | undefined;
  /** Settings of the connection, such as an Okta `domain`: handed to the `session` function, for your backend to judge. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  /** URL of the Authpipe server; read from the session token when left out. */
  readonly baseUrl?: string | undefined;
  /** Default `popup`. */
  readonly display?: ConnectDisplay | undefined;
  /** For the screen: the backend learns of the connection from the session, an event or a webhook. */
  readonly onSuccess?: ((connection: ConnectedAccount) => void) | undefined;
  /** Without it, errors go to the console. */
  readonly onError?: ((error: ConnectError) => void) | undefined;
  /** The person pressed Cancel or gave up; never called for one who finished. */
  readonly onCancel?: (() => void) | undefined;
  /** With a `codeChallenge`: have the backend finish the session with its verifier, now. */
  readonly onAwaitingFinish?: ((sessionId: string) => void) | undefined;
}

export type ConnectFlowStatus = 'idle' | 'connecting' | 'connected' | 'needs_reconnect' | 'error';

/** What the screen shows. A new object at each change, the same one in between. */
export interface ConnectSnapshot {
  readonly status: ConnectFlowStatus;
  /** The popup looks closed while connecting: another click opens it again. */
  readonly windowGone: boolean;
  /** What the last success in this page brought. */
  readonly connection: ConnectedAccount | null;
  readonly error: ConnectError | null;
}

/** Parts a flow shares with others, or that tests replace. */
export interface ConnectFlowParts {
  readonly browser?: Browser | undefined;
  readonly redirectReturn?: RedirectReturn | undefined;
}

/**
 * One connect button's life without any framework: click, popup, session, outcome, again. Made for
 * `useSyncExternalStore`: `subscribe` and `getSnapshot` are bound.
 */
export class ConnectFlow {
  #options: ConnectFlowOptions;
  #browser: Browser | undefined;
  readonly #redirectReturn: RedirectReturn;
  readonly #listeners = new Set<() => void>();
  #known: ConnectionStatus | null;
  #snapshot: ConnectSnapshot;
  #popup: Popup | null = null;
  #attempt: ConnectAttempt | null = null;
  /** Counts clicks: what an earlier one still brings is dropped. */
  #turn = 0;

  /** `known` is the connection's status as the app knows it; `null` when there is none yet. */
  constructor(
    options: ConnectFlowOptions,
    known: ConnectionStatus | null = null,
    parts: ConnectFlowParts = {},
  ) {
    this.#options = options;
    this.#known = known;
    this.#browser = parts.browser;
    this.#redirectReturn = parts.redirectReturn ?? new RedirectReturn();
    this.#snapshot = restingAt(known, null);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): ConnectSnapshot => this.#snapshot;

  /** Takes new options; a connect under way uses the new callbacks. */
  update(options: ConnectFlowOptions): void {
    this.#options = options;
  }

  /** Tells the flow what the app knows of the connection now. Waits while a connect is under way. */
  setKnownStatus(known: ConnectionStatus | null): void {
    if (known === this.#known) return;
    this.#known = known;
    if (this.#snapshot.status === 'connecting') return;
    this.#set(restingAt(known, known === null ? null : this.#snapshot.connection));
  }

  /**
   * Picks up a redirect that came back to this page, if it was this flow's. Call it once the page is shown, and again
   * whenever the options may have changed. Does nothing while a connect is under way.
   */
  resume(): void {
    if (this.#snapshot.status === 'connecting') return;
    const { integration, connectionId } = this.#request();
    const token = this.#redirectReturn.claim(this.#getBrowser().window, { integration, connectionId });
    if (token === null) return;
    this.#showConnecting();
    try {
      this.#watch(token, null);
    } catch (error) {
      this.#settle({ error: asConnectError(error) });
    }
  }

  /** Starts a connect. Call it synchronously in the click. While one is under way, its popup comes to the front. */
  readonly connect = (): void => {
    if (this.#popup && !this.#popup.closed) {
      this.#popup.focus();
      return;
    }
    this.#abandon();
    const browser = this.#getBrowser();
    const display = this.#options.display ?? 'popup';
    const popup = display === 'redirect' ? null : openPopup(browser);
    if (!popup && display === 'popup') {
      this.#settle({ error: popupBlocked() });
      return;
    }
    this.#popup = popup;
    this.#showConnecting();
    void this.#begin(popup, this.#turn);
  };

  /** Forgets a connect under way, an error and an earlier success, and shows what the app knows. Calls nothing back. */
  readonly reset = (): void => {
    this.#abandon();
    this.#set(restingAt(this.#known, null));
  };

  /** Forgets a connect under way; nothing is called back for it. The flow can be used again. */
  dispose(): void {
    const wasConnecting = this.#snapshot.status === 'connecting';
    this.#abandon('release');
    if (wasConnecting) this.#rest();
  }

  async #begin(popup: Popup | null, turn: number): Promise<void> {
    try {
      const token = await fetchSessionToken(this.#options.session, this.#request(), this.#getBrowser());
      if (turn !== this.#turn) return;
      // Nothing but this page was in the popup yet, so here `closed` tells the truth.
      if (popup?.closed) this.#settle({ cancelled: true });
      else if (popup) {
        postConnectForm(popup.document, this.#serverUrl(token), this.#form(token, 'popup'));
        this.#watch(token, popup);
      } else this.#leave(token);
    } catch (error) {
      if (turn !== this.#turn) return;
      popup?.close();
      this.#settle({ error: asConnectError(error) });
    }
  }

  #leave(token: string): void {
    const { window } = this.#getBrowser();
    const { integration, connectionId } = this.#request();
    rememberRedirect(window, { token, integration, connectionId });
    // Back from the hosted page, the browser may restore this page as it was left: connecting.
    window.addEventListener('pageshow', () => this.dispose(), { once: true });
    postConnectForm(window.document, this.#serverUrl(token), this.#form(token, 'redirect'));
  }

  #watch(token: string, popup: Popup | null): void {
    this.#attempt = new ConnectAttempt({
      browser: this.#getBrowser(),
      serverUrl: this.#serverUrl(token),
      token,
      popup,
      onOutcome: (outcome) => {
        if (!popup) this.#redirectReturn.settle();
        this.#settle(outcome);
      },
      onWindowGone: () => {
        if (!this.#snapshot.windowGone) this.#set({ ...this.#snapshot, windowGone: true });
      },
      onAwaitingFinish: (sessionId) => this.#options.onAwaitingFinish?.(sessionId),
    });
    this.#attempt.start();
  }

  #settle(outcome: ConnectOutcome): void {
    this.#popup = null;
    this.#attempt = null;
    this.#turn += 1;
    const { onSuccess, onError, onCancel } = this.#options;
    if ('connection' in outcome) {
      const { connection } = outcome;
      this.#set({ status: 'connected', windowGone: false, connection, error: null });
      onSuccess?.(connection);
    } else if ('error' in outcome) {
      this.#set({ ...this.#snapshot, status: 'error', windowGone: false, error: outcome.error });
      if (onError) onError(outcome.error);
      else console.error(outcome.error);
    } else {
      this.#rest();
      onCancel?.();
    }
  }

  /** `returned`: what becomes of a redirect that is being asked about; it is over, unless this flow only pauses. */
  #abandon(returned: 'settle' | 'release' = 'settle'): void {
    this.#turn += 1;
    this.#attempt?.stop();
    if (this.#attempt && !this.#popup) this.#redirectReturn[returned]();
    // A popup that shows a hosted page belongs to the person; one that is still blank serves nobody.
    if (!this.#attempt) this.#popup?.close();
    this.#popup = null;
    this.#attempt = null;
  }

  #showConnecting(): void {
    this.#set({ ...this.#snapshot, status: 'connecting', windowGone: false, error: null });
  }

  #rest(): void {
    this.#set(restingAt(this.#known, this.#snapshot.connection));
  }

  #request(): ConnectRequest {
    const { provider, integration = provider, connectionId, config } = this.#options;
    return { provider, integration, connectionId, config };
  }

  #form(token: string, display: 'popup' | 'redirect') {
    const { integration, connectionId } = this.#request();
    return { token, integration, connection_id: connectionId, display };
  }

  #serverUrl(token: string): string {
    return serverUrlOf(token, this.#options.baseUrl);
  }

  /** Made at the first click, never while rendering on a server. */
  #getBrowser(): Browser {
    this.#browser ??= realBrowser();
    return this.#browser;
  }

  #set(snapshot: ConnectSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }
}

function restingAt(known: ConnectionStatus | null, connection: ConnectedAccount | null): ConnectSnapshot {
  const connected = known !== null || connection !== null;
  const status = known === 'needs_reconnect' ? 'needs_reconnect' : connected ? 'connected' : 'idle';
  return { status, windowGone: false, connection, error: null };
}

const popupBlocked = (): ConnectError =>
  new ConnectError(
    'popup_blocked',
    'The popup was blocked: call connect() directly in the click, or use display="auto" and a returnUrl.',
  );

const asConnectError = (error: unknown): ConnectError =>
  error instanceof ConnectError
    ? error
    : new ConnectError('session_unavailable', 'The connect did not start: see the cause.', {
        cause: error,
      });
