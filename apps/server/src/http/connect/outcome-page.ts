import { CONNECT_MESSAGE_TYPE, type ConnectMessage, type ConnectSessionState } from '@authpipe/types';
import type { ConnectSession } from '../../connect/connect-session.js';
import { type Html, html } from './html.js';
import { outcomeMark, pageLayout } from './page-layout.js';
import { askerName, askerOf, returnAddress } from './session-words.js';

interface Words {
  readonly heading: string;
  readonly text: string;
  readonly mark: 'good' | 'bad';
  /** Whether there is nothing to read: the popup closes by itself, the redirect goes back at once. */
  readonly isQuick: boolean;
}

const failureWords = (state: ConnectSessionState, asker: string): Words => {
  const detail = state.error?.detail ?? 'Nothing was connected.';
  const back = `Go back to ${asker} to start anew.`;
  switch (state.error?.code) {
    case 'cancelled':
      return {
        heading: 'You cancelled',
        text: 'Nothing was connected.',
        mark: 'bad',
        isQuick: true,
      };
    case 'access_denied':
      return { heading: 'Access was declined', text: `${detail} ${back}`, mark: 'bad', isQuick: true };
    case 'account_mismatch':
      return {
        heading: 'Another account signed in',
        text: `${detail} ${back} Then sign in with the account from before.`,
        mark: 'bad',
        isQuick: false,
      };
    case 'session_expired':
      return {
        heading: 'This took too long',
        text: `The time for connecting is over, and nothing was connected. ${back}`,
        mark: 'bad',
        isQuick: false,
      };
    case 'integration_not_configured':
      return {
        heading: 'This can not be connected now',
        text: `${detail} Tell the people who run ${asker}.`,
        mark: 'bad',
        isQuick: false,
      };
    default:
      return {
        heading: 'It could not be connected',
        text: `${detail} ${back} If it happens again, tell the people who run the app.`,
        mark: 'bad',
        isQuick: false,
      };
  }
};

const wordsOf = (state: ConnectSessionState, asker: string): Words => {
  if (state.status === 'complete') {
    const account = state.connection?.account;
    const who = account?.email ?? account?.name;
    return {
      heading: 'Connected',
      text: `${who === undefined ? 'Your account' : who} is connected.`,
      mark: 'good',
      // Less than was asked for is something to read.
      isQuick: (state.connection?.missingScopes.length ?? 0) === 0,
    };
  }
  if (state.status === 'awaiting_finish') {
    return {
      heading: 'Almost done',
      text: `You signed in. ${asker} does the rest.`,
      mark: 'good',
      isQuick: true,
    };
  }
  return failureWords(state, asker);
};

/** Where a session in redirect mode goes on at once; null when the person should read first, or there is no way back. */
export const quickReturn = (session: ConnectSession, state: ConnectSessionState): string | null =>
  session.display === 'redirect' && wordsOf(state, '').isQuick ? returnAddress(session, state.status) : null;

const messageAttributes = (
  session: ConnectSession,
  state: ConnectSessionState,
  isQuick: boolean,
): Html | null => {
  const { openerOrigin, allowedOrigins } = session;
  if (openerOrigin === null || !allowedOrigins.includes(openerOrigin)) return null;
  const message: ConnectMessage = { type: CONNECT_MESSAGE_TYPE, session: state };
  return html` data-connect-message="${JSON.stringify(message)}" data-opener-origin="${openerOrigin}" data-close="${isQuick ? 'yes' : 'no'}"`;
};

/** What was asked for and not granted, where something was. */
const withheld = ({ status, connection }: ConnectSessionState, asker: string): Html | null => {
  const scopes = connection?.missingScopes ?? [];
  if (status !== 'complete' || scopes.length === 0) return null;
  return html`<h2>Not granted</h2>
<p>${asker} asked for more than it got, and may not be able to do everything. Your administrator can allow it.</p>
<ul class="scopes withheld">${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>`;
};

/** The page on which a session ends: says what happened, and tells the page that opened it. */
export const outcomePage = (session: ConnectSession, state: ConnectSessionState): string => {
  const words = wordsOf(state, askerName(session));
  // A popup is closed rather than led back: the app's page is behind it.
  const back = session.display === 'popup' ? null : returnAddress(session, state.status);
  const close =
    session.display === 'popup'
      ? html`<button class="button" type="button" data-close-window hidden>Close this window</button>`
      : null;
  return pageLayout({
    title: `${words.heading} – ${askerOf(session) ?? 'Authpipe'}`,
    withScript: true,
    body: html`<main${messageAttributes(session, state, words.isQuick)}>
${outcomeMark(words.mark)}
<h1>${words.heading}</h1>
<p>${words.text}${back === null && words.isQuick ? ' You can close this window.' : null}</p>
${withheld(state, askerName(session))}
<div class="actions">
${back === null ? null : html`<a class="button primary" href="${back}">Back to ${askerName(session)}</a>`}
${close}
</div>
</main>`,
  });
};
