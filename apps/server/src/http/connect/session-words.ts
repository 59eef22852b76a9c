import type { ConnectSession } from '../../connect/connect-session.js';
import { type Html, html } from './html.js';

const hostOf = (url: string | null): string | null => (url === null ? null : new URL(url).host);

/** The host of the app that asks, as far as the session tells: the person knows it from the address bar. */
export const askerOf = ({ returnUrl, openerOrigin, allowedOrigins }: ConnectSession): string | null =>
  hostOf(openerOrigin) ?? hostOf(returnUrl) ?? hostOf(allowedOrigins[0] ?? null);

/** The same for a sentence. */
export const askerName = (session: ConnectSession): string =>
  askerOf(session) ?? 'The app that sent you here';

/** For whom the access is: the app's own names of its tenant and user. */
export const ownerRows = ({ tenantId, owner, userId }: ConnectSession): Html =>
  html`<div><dt>Workspace</dt><dd>${tenantId}</dd></div>
<div><dt>For</dt><dd>${owner === 'tenant' ? 'the whole workspace' : (userId ?? '')}</dd></div>`;

/** Where the redirect flow ends: the app's page, with what to ask the server about. Nothing in it is secret. */
export const returnAddress = (session: ConnectSession, status: string): string | null => {
  if (session.returnUrl === null) return null;
  const url = new URL(session.returnUrl);
  url.searchParams.set('authpipe_session', session.id);
  url.searchParams.set('authpipe_status', status);
  return url.href;
};
