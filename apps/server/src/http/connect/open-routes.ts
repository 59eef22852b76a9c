import { type RequestHandler, Router } from 'express';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { Connect } from '../../connect/create-connect.js';
import type { BrowserCookies } from './browser-cookies.js';
import { linkPage } from './consent-page.js';
import { formField, readForm } from './form-input.js';
import { originOf } from './same-origin-guard.js';

/** How a session gets into a browser: by the button's form, or by a link and a click. */
export const openRoutes = (
  { openByButton, peekLink, openByLink }: Pick<Connect, 'openByButton' | 'peekLink' | 'openByLink'>,
  cookies: BrowserCookies,
  sameOriginOnly: RequestHandler,
): Router => {
  const router = Router();

  // From the app's page, so from another origin: the session says which ones may.
  router.post('/connect', readForm, async (request, response) => {
    const { sessionId, passingProof } = await openByButton({
      token: formField(request, 'token') ?? '',
      origin: originOf(request),
      integration: formField(request, 'integration'),
      connectionId: formField(request, 'connection_id'),
      display: formField(request, 'display') === 'redirect' ? 'redirect' : 'popup',
    });
    cookies.setPassingProof(response, sessionId, passingProof);
    response.redirect(303, `/connect/${sessionId}`);
  });

  router.get('/connect', async (request, response) => {
    const { code } = request.query;
    if (typeof code !== 'string') throw new ConnectRefusal('unknown_link');
    const session = await peekLink(code);
    response.type('html').send(linkPage(session, code));
  });

  router.post('/connect/open', readForm, sameOriginOnly, async (request, response) => {
    const code = formField(request, 'code') ?? '';
    const { session, browserId } = await openByLink(code, cookies.browserId(request));
    cookies.setBrowserId(response, browserId);
    response.redirect(303, `/connect/${session.id}`);
  });

  return router;
};
