const STORAGE_KEY = 'authpipe:redirect';
const SESSION_PARAMETER = 'authpipe_session';
const STATUS_PARAMETER = 'authpipe_status';

/** What a redirect leaves behind in this tab, so that the page it comes back to can ask how it went. */
export interface RememberedRedirect {
  /** The session token: it can do nothing but finish this one connect. */
  readonly token: string;
  readonly integration: string;
  readonly connectionId?: string | undefined;
}

/** Keeps the redirect in the tab's session storage; without storage the page just will not know the outcome. */
export function rememberRedirect(window: Window, redirect: RememberedRedirect): void {
  try {
    window.sessionStorage.setItem(STORAGE_KEY, JSON.stringify(redirect));
  } catch {
    // Storage is blocked or full. The backend still learns of the connection.
  }
}

/**
 * The way back from the redirect flow: the page loads with `?authpipe_session=…&authpipe_status=…`. Both are taken out of
 * the address and neither is believed: they only say that it is time to ask the server.
 */
export class RedirectReturn {
  #returned: RememberedRedirect | null | undefined;
  #claimed = false;

  /** Cleans the address and the storage, once, and keeps what was there. Needs a browser. */
  read(window: Window): void {
    if (this.#returned !== undefined) return;
    this.#returned = null;
    const url = new URL(window.location.href);
    if (!url.searchParams.has(SESSION_PARAMETER) || !url.searchParams.has(STATUS_PARAMETER)) return;
    url.searchParams.delete(SESSION_PARAMETER);
    url.searchParams.delete(STATUS_PARAMETER);
    window.history.replaceState(window.history.state, '', url);
    this.#returned = takeRemembered(window);
  }

  /** Hands the return to the first flow that it belongs to, and to no second one. */
  claim(window: Window, flow: { integration: string; connectionId?: string | undefined }): string | null {
    this.read(window);
    const returned = this.#returned;
    if (!returned || this.#claimed || returned.integration !== flow.integration) return null;
    if (returned.connectionId !== undefined && returned.connectionId !== flow.connectionId) return null;
    this.#claimed = true;
    return returned.token;
  }

  /** Gives the claim back before the outcome is known: StrictMode mounts every component twice. */
  release(): void {
    this.#claimed = false;
  }

  /** The outcome was told. */
  settle(): void {
    this.#returned = null;
  }
}

function takeRemembered(window: Window): RememberedRedirect | null {
  try {
    const stored: Partial<RememberedRedirect> | null = JSON.parse(
      window.sessionStorage.getItem(STORAGE_KEY) ?? 'null',
    );
    window.sessionStorage.removeItem(STORAGE_KEY);
    return isRemembered(stored) ? stored : null;
  } catch {
    return null;
  }
}

const isRemembered = (stored: Partial<RememberedRedirect> | null): stored is RememberedRedirect =>
  typeof stored?.token === 'string' && typeof stored.integration === 'string';
