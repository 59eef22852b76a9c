/** The window that the hosted pages are shown in. */
export type Popup = Pick<Window, 'closed' | 'close' | 'focus' | 'document'>;

/** What a connect needs of a browser: injected, so that tests own the network, the time and the windows. */
export interface Browser {
  readonly window: Window;
  /** Opens a blank popup; `null` when the browser blocks it. Works only inside a click. */
  open(features: string): Popup | null;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Runs `callback` once after `delayMillis`; the answer cancels it. */
  after(delayMillis: number, callback: () => void): () => void;
}

/** The real browser. Call it in the browser only: on a server there is no window. */
export const realBrowser = (): Browser => ({
  window,
  open: (features) => window.open('', '_blank', features),
  fetch: (url, init) => fetch(url, init),
  after: (delayMillis, callback) => {
    const timer = setTimeout(callback, delayMillis);
    return () => clearTimeout(timer);
  },
});
