import type { ConnectSessionState } from '@authpipe/types';
import { createBrowser } from '../walk/index.js';
import { CheckFailure, expectThat } from './step-report.js';

/** The servers of a walk. */
export interface Places {
  readonly authpipeUrl: string;
  readonly appUrl: string;
}

/** What a walk through the pages left behind. */
export interface Walk {
  readonly state: ConnectSessionState;
  /** Everything the browser was shown and sent to, to be searched for secrets. */
  readonly transcript: readonly string[];
}

/** Asks the app's backend for a session, as its page does: same origin, with the app's cookie. */
const sessionTokenFrom = async (appUrl: string, cookies: Record<string, string>): Promise<string> => {
  const response = await fetch(new URL('/api/connect-session', appUrl), {
    method: 'POST',
    headers: {
      Origin: new URL(appUrl).origin,
      'Sec-Fetch-Site': 'same-origin',
      'Content-Type': 'application/json',
      Cookie: Object.entries(cookies)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
    },
    body: '{}',
  });
  if (!response.ok)
    throw new CheckFailure(`the app gave no connect session: ${response.status} ${await response.text()}`);
  const { token } = (await response.json()) as { token: string };
  return token;
};

/** The session's state as the button sees it: over CORS, with the session token alone. */
const stateSeenByButton = async (places: Places, token: string): Promise<ConnectSessionState> => {
  const origin = new URL(places.appUrl).origin;
  const response = await fetch(new URL('/connect/session', places.authpipeUrl), {
    headers: { Authorization: `Bearer ${token}`, Origin: origin },
  });
  expectThat(
    response.headers.get('access-control-allow-origin') === origin,
    'the app’s origin may not read the session',
  );
  return (await response.json()) as ConnectSessionState;
};

/**
 * Connects as a person would: opens the app, presses the button, goes on at the hosted page, signs in at the org and
 * allows. Forms are the ones on the pages; cookies are kept by host; nothing reaches into a server.
 */
export const connectAsAPerson = async (places: Places, person: { email: string }): Promise<Walk> => {
  const browser = createBrowser();
  const transcript: string[] = [];
  const app = await browser.open(places.appUrl);
  const token = await sessionTokenFrom(places.appUrl, await browser.cookies(places.appUrl));
  const hosted = await browser.post(
    new URL('/connect', places.authpipeUrl),
    { token, integration: 'okta', display: 'popup' },
    { origin: new URL(places.appUrl).origin },
  );
  transcript.push(app.html, hosted.html);
  const signIn = await hosted.submit({ button: 'Continue' });
  transcript.push(signIn.html);
  const consent = await signIn.submit({ button: `person=${person.email}` });
  transcript.push(consent.html);
  const done = await consent.submit({ button: 'decision=allow' });
  transcript.push(done.html, ...browser.visited);
  const state = await stateSeenByButton(places, token);
  transcript.push(JSON.stringify(state));
  expectThat(state.status === 'complete', `the session is ${state.status}; the last page said: ${done.text}`);
  return { state, transcript };
};
