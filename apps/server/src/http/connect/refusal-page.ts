import type { RefusalKind } from '../../connect/connect-refusal.js';
import { html } from './html.js';
import { outcomeMark, pageLayout } from './page-layout.js';

interface Notice {
  readonly status: number;
  readonly heading: string;
  readonly text: string;
  /** What leads on, for refusals of a session that is known. */
  readonly next?: string;
}

const AGAIN = 'Go back to the app and start connecting again.';

const NOTICES: Readonly<Record<RefusalKind | 'cross_site' | 'unreadable' | 'too_many' | 'internal', Notice>> =
  {
    unknown_session: {
      status: 404,
      heading: 'There is nothing to connect here',
      text: `This address belongs to no connect session, or to one that ended long ago. ${AGAIN}`,
    },
    unknown_link: {
      status: 404,
      heading: 'This link does not work',
      text: 'It is not complete, or ended long ago. Copy the whole link, or ask for a new one.',
    },
    link_used: {
      status: 410,
      heading: 'This link was used before',
      text: 'A link works once. If it was you, go on in the window where you opened it. If it was not, ask for a new one and tell the people who sent it.',
    },
    link_expired: {
      status: 410,
      heading: 'This link is too old',
      text: 'For your safety links work for a short time only. Ask for a new one.',
    },
    setup_done: {
      status: 410,
      heading: 'This is set up already',
      text: 'Somebody has finished it with this link, or it was replaced by another one. There is nothing left to do here.',
    },
    unknown_setup: {
      status: 404,
      heading: 'There is nothing to set up here',
      text: 'This address belongs to no set-up, or to one that ended long ago. Ask for a new link.',
    },
    foreign_origin: {
      status: 403,
      heading: 'This page may not connect accounts',
      text: 'The page that sent you here is not one that the app allows, so nothing was begun. If you run the app: the page’s exact origin has to be in allowedOrigins of the connect session.',
    },
    session_expired: {
      status: 410,
      heading: 'This took too long',
      text: `The time for connecting is over, and nothing was connected. ${AGAIN}`,
    },
    session_over: {
      status: 409,
      heading: 'This is already over',
      text: `This connect session has ended. ${AGAIN}`,
      next: 'See how it went',
    },
    other_browser: {
      status: 403,
      heading: 'This was begun in another browser',
      text: 'For your safety it can be finished only where it was begun, with cookies allowed. Nothing was connected. Go on in that window, or go back to the app and start again here.',
    },
    unknown_state: {
      status: 400,
      heading: 'This sign-in is not known here',
      text: `Nobody here waits for this answer, so it was not used and nothing was connected. ${AGAIN}`,
    },
    replayed: {
      status: 409,
      heading: 'This sign-in was used before',
      text: 'The provider’s answer works once, and was not used again. That happens when a page is loaded twice or opened from the history.',
      next: 'See how it went',
    },
    nothing_to_connect: {
      status: 409,
      heading: 'This can not be connected now',
      text: 'The app has not set up what its button asks for. Tell the people who run it; nothing was connected.',
    },
    wrong_settings: {
      status: 422,
      heading: 'Something does not fit',
      text: 'What you typed does not fit the provider.',
      next: 'Go back and change it',
    },
    provider_away: {
      status: 503,
      heading: 'The provider does not answer',
      text: 'It may be down for the moment. Nothing was connected; try again in a minute.',
      next: 'Try again',
    },
    provider_setup: {
      status: 502,
      heading: 'This can not be connected now',
      text: 'The provider and the app’s set-up do not fit together, so it would not be safe to go on. Tell the people who run the app; nothing was connected.',
      next: 'Go back',
    },
    cross_site: {
      status: 403,
      heading: 'This came from another page',
      text: 'A form of this site was sent from somewhere else, so it was not used. Go back and press the button on the page itself.',
    },
    unreadable: {
      status: 400,
      heading: 'This could not be read',
      text: `What your browser sent is not what the page sends. ${AGAIN}`,
    },
    too_many: {
      status: 429,
      heading: 'Too many tries',
      text: 'Wait a minute, then try again.',
    },
    internal: {
      status: 500,
      heading: 'Something went wrong here',
      text: `That is our fault, not yours. ${AGAIN}`,
    },
  };

/** Why a browser can't go on, for the refusals of connecting and those of HTTP. */
export type NoticeKind = keyof typeof NOTICES;

/** The page that says why it does not go on, and what to do. */
export const refusalPage = (kind: NoticeKind, sessionId?: string): { status: number; page: string } => {
  const { status, heading, text, next } = NOTICES[kind];
  const link =
    next !== undefined && sessionId !== undefined
      ? html`<div class="actions"><a class="button" href="/connect/${sessionId}">${next}</a></div>`
      : null;
  const body = html`<main>${outcomeMark('bad')}<h1>${heading}</h1><p>${text}</p>${link}</main>`;
  return { status, page: pageLayout({ title: `${heading} – Authpipe`, body }) };
};
