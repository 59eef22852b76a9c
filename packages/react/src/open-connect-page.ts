import type { Browser, Popup } from './browser.js';

/** Fits the hosted page and most sign-in pages without scrolling. */
const POPUP_WIDTH_PIXELS = 500;
const POPUP_HEIGHT_PIXELS = 740;

/** The fields of `POST /connect`. */
export interface ConnectForm {
  readonly token: string;
  readonly integration: string;
  readonly connection_id?: string | undefined;
  readonly display: 'popup' | 'redirect';
}

/**
 * Opens a blank popup in the middle of the app's window. Call it synchronously in the click: browsers block
 * windows that open later.
 * @returns `null` when the browser blocked it.
 */
export function openPopup(browser: Browser): Popup | null {
  const { screenX, screenY, outerWidth, outerHeight } = browser.window;
  const left = screenX + Math.max(0, (outerWidth - POPUP_WIDTH_PIXELS) >> 1);
  const top = screenY + Math.max(0, (outerHeight - POPUP_HEIGHT_PIXELS) >> 1);
  const popup = browser.open(
    `popup,width=${POPUP_WIDTH_PIXELS},height=${POPUP_HEIGHT_PIXELS},left=${left},top=${top}`,
  );
  return popup && !popup.closed ? popup : null;
}

/**
 * Sends a document's own window to the hosted page by a form, so that the token is in no URL.
 *
 * The form is submitted from inside that document, after its referrer policy is set to `origin`: under an app's
 * `no-referrer` the browser would send `Origin: null`, and the server could not tell which app is asking.
 * @see https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
export function postConnectForm(document: Document, serverUrl: string, fields: ConnectForm): void {
  const policy = document.createElement('meta');
  policy.name = 'referrer';
  policy.content = 'origin';
  document.head.append(policy);

  const form = document.createElement('form');
  form.method = 'post';
  form.action = `${serverUrl}/connect`;
  form.hidden = true;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}
