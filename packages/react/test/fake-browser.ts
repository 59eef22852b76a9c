import type { ConnectedAccount, ConnectSessionState } from '@authpipe/types';
import { jest } from '@jest/globals';
import type { Browser, Popup } from '../src/browser.js';

export const SERVER_URL = 'https://authpipe.test';
export const TOKEN = `aps_${btoa(SERVER_URL).replaceAll('=', '')}.c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw`;

/** A popup as the opener sees it; its document is a real one. */
export class FakePopup implements Popup {
  closed = false;
  timesFocused = 0;
  readonly document = document.implementation.createHTMLDocument();
  close(): void {
    this.closed = true;
  }
  focus(): void {
    this.timesFocused += 1;
  }
}

/** A form that was submitted, and from which document. */
export interface SubmittedForm {
  readonly from: Document;
  readonly action: string;
  readonly method: string;
  readonly fields: Record<string, FormDataEntryValue>;
  readonly referrerPolicy: string | null;
}

/** Owns the time, the network and the windows; the document and the message events are jsdom's. */
export class FakeBrowser implements Browser {
  readonly window = window;
  readonly popups: FakePopup[] = [];
  readonly submitted: SubmittedForm[] = [];
  readonly requests: { url: string; init: RequestInit }[] = [];
  /** What timers threw or rejected with: a browser writes it to the console. */
  readonly uncaught: unknown[] = [];
  blocksPopups = false;
  /** What `GET /connect/session` answers from now on. */
  answer: () => Response | Promise<Response> = () => stateResponse(PENDING);
  #nowMillis = 0;
  #timers: { atMillis: number; run: () => void }[] = [];

  constructor() {
    const submitted = this.submitted;
    jest.spyOn(HTMLFormElement.prototype, 'submit').mockImplementation(function (this: HTMLFormElement) {
      submitted.push({
        from: this.ownerDocument,
        action: this.action,
        method: this.method,
        fields: Object.fromEntries(
          [...this.querySelectorAll('input')].map(({ name, value }) => [name, value]),
        ),
        referrerPolicy:
          this.ownerDocument.querySelector('meta[name=referrer]')?.getAttribute('content') ?? null,
      });
    });
    this.focusPage(true);
  }

  /** The popup that was opened last. */
  get popup(): FakePopup {
    const popup = this.popups.at(-1);
    if (!popup) throw new Error('No popup was opened.');
    return popup;
  }

  open(): Popup | null {
    if (this.blocksPopups) return null;
    this.popups.push(new FakePopup());
    return this.popup;
  }

  fetch(url: string, init: RequestInit): Promise<Response> {
    this.requests.push({ url, init });
    return (async () => this.answer())();
  }

  after(delayMillis: number, run: () => void): () => void {
    const timer = { atMillis: this.#nowMillis + delayMillis, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timersWaiting(): number {
    return this.#timers.length;
  }

  focusPage(focused: boolean): void {
    jest.spyOn(document, 'hasFocus').mockReturnValue(focused);
  }

  /** Lets what is under way come to rest, then moves the clock timer by timer. */
  async advance(seconds: number): Promise<void> {
    await settled();
    const untilMillis = this.#nowMillis + seconds * 1000;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMillis <= untilMillis).sort(byTime)[0];
      if (!next) break;
      this.#nowMillis = next.atMillis;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      const { run } = next;
      (async () => run())().catch((error: unknown) => this.uncaught.push(error));
      await settled();
    }
    this.#nowMillis = untilMillis;
  }

  /** Posts a message to the page, from whoever is named; by default from the popup's hosted page. */
  post(data: unknown, from: { origin?: string; source?: unknown } = {}): void {
    const event = new MessageEvent('message', { origin: from.origin ?? SERVER_URL, data });
    Object.defineProperty(event, 'source', { value: 'source' in from ? from.source : this.popup });
    window.dispatchEvent(event);
  }
}

const byTime = (a: { atMillis: number }, b: { atMillis: number }): number => a.atMillis - b.atMillis;

/** Enough turns of the microtask queue for every promise chain of a look. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
};

export const ACCOUNT: ConnectedAccount = {
  id: 'conn_1',
  integration: 'okta',
  provider: 'okta',
  label: 'default',
  status: 'healthy',
  account: { id: '00u1', name: 'Ada Lovelace', email: 'ada@acme.test' },
  scopes: ['openid'],
  missingScopes: [],
};

export const PENDING: ConnectSessionState = { id: 'sess_1', status: 'pending' };
export const COMPLETE: ConnectSessionState = { id: 'sess_1', status: 'complete', connection: ACCOUNT };
export const failedWith = (code: string): ConnectSessionState =>
  ({ id: 'sess_1', status: 'failed', error: { code, detail: `It was ${code}.` } }) as ConnectSessionState;

export const stateResponse = (state: ConnectSessionState): Response => Response.json(state);
export const message = (session: ConnectSessionState) => ({ type: 'authpipe:connect', session });
