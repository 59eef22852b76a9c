import type { FieldError } from '@authpipe/types';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { CALLBACK_PATH } from '../../connect/complete-connect.js';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { ConnectSession } from '../../connect/connect-session.js';
import type { Connect } from '../../connect/create-connect.js';
import type { Settings } from '../../connect/session-choices.js';
import type { BrowserCookies } from './browser-cookies.js';
import { choicePage, consentPage } from './consent-page.js';
import { formField, readForm, typedCredential, typedSettings } from './form-input.js';
import { outcomePage, quickReturn } from './outcome-page.js';
import { allowFrames } from './page-headers.js';
import { askerOf } from './session-words.js';
import { setupOfferPage } from './setup-pages.js';
import { typedPage } from './typed-page.js';

const SESSION_ID = /^sess_[A-Za-z0-9_-]{22}$/;

export interface SessionRouteDependencies {
  readonly connect: Pick<
    Connect,
    | 'enter'
    | 'listOptions'
    | 'reconnectedBy'
    | 'start'
    | 'saveTyped'
    | 'completeConnect'
    | 'cancelSession'
    | 'stateOf'
    | 'setups'
  >;
  readonly cookies: BrowserCookies;
  readonly sameOriginOnly: RequestHandler;
  /** Without a trailing slash. */
  readonly publicUrl: string;
}

/** A session in its browser: the page, the way to the provider and back, the end. */
export const sessionRoutes = ({
  connect,
  cookies,
  sameOriginOnly,
  publicUrl,
}: SessionRouteDependencies): Router => {
  const router = Router();

  /** The session of the address, if it is this browser's. The passing proof turns into the lasting id here. */
  const enter = async (request: Request, response: Response) => {
    const sessionId = String(request.params.sessionId);
    if (!SESSION_ID.test(sessionId)) throw new ConnectRefusal('unknown_session');
    const known = cookies.browserId(request);
    const passingProof = cookies.passingProof(request, sessionId);
    const entered = await connect.enter(sessionId, { browserId: known, passingProof });
    allowFrames(response, entered.session.allowedOrigins);
    if (entered.browserId !== known) cookies.setBrowserId(response, entered.browserId);
    if (passingProof !== null) cookies.clearPassingProof(response, sessionId);
    return entered;
  };

  const showPage = async (
    response: Response,
    session: ConnectSession,
    optionId: string | null,
    answer: { typed?: Settings; credential?: Settings; errors?: readonly FieldError[] } = {},
  ): Promise<void> => {
    const options = await connect.listOptions(session);
    const option = options.length === 1 ? options[0] : options.find(({ id }) => id === optionId);
    if (!option) {
      response.type('html').send(choicePage(session, options));
      return;
    }
    const view = { session, option, reconnected: await connect.reconnectedBy(session), ...answer };
    const isTyped = option.choices[0].method.kind !== 'oauth2';
    response.type('html').send(isTyped ? typedPage(view) : consentPage(view));
  };

  // Before `:sessionId`, which would take it.
  router.get(`${CALLBACK_PATH}{/:place}`, async (request, response) => {
    const { place } = request.params;
    const path =
      place === undefined ? CALLBACK_PATH : `${CALLBACK_PATH}/${encodeURIComponent(String(place))}`;
    const query = new URL(request.originalUrl, publicUrl).searchParams;
    const sessionId = await connect.completeConnect({ path, query, browserId: cookies.browserId(request) });
    response.redirect(303, `/connect/${sessionId}/done`);
  });

  router.get('/connect/:sessionId', async (request, response) => {
    const { session } = await enter(request, response);
    if ((await connect.stateOf(session)).status !== 'pending') {
      response.redirect(303, `/connect/${session.id}/done`);
      return;
    }
    const offer = await connect.setups.offerOf(session);
    if (offer) {
      response.type('html').send(setupOfferPage(session, offer));
      return;
    }
    const { option } = request.query;
    await showPage(response, session, typeof option === 'string' ? option : null);
  });

  router.post('/connect/:sessionId/start', readForm, sameOriginOnly, async (request, response) => {
    const { session, browserId } = await enter(request, response);
    const optionId = formField(request, 'option') ?? '';
    const typed = typedSettings(request);
    try {
      const url = await connect.start(session, browserId, { optionId, typed });
      response.redirect(303, url.href);
    } catch (error) {
      const isTyping = error instanceof ConnectRefusal && error.kind === 'wrong_settings';
      if (!isTyping) throw error;
      response.status(422);
      await showPage(response, session, optionId, { typed, errors: error.details.errors ?? [] });
    }
  });

  router.post('/connect/:sessionId/save', readForm, sameOriginOnly, async (request, response) => {
    const { session } = await enter(request, response);
    const optionId = formField(request, 'option') ?? '';
    const [config, credential] = [typedSettings(request), typedCredential(request)];
    try {
      await connect.saveTyped(session, { optionId, config, credential });
      response.redirect(303, `/connect/${session.id}/done`);
    } catch (error) {
      const isTyping = error instanceof ConnectRefusal && error.kind === 'wrong_settings';
      if (!isTyping) throw error;
      response.status(422);
      const errors = error.details.errors ?? [];
      await showPage(response, session, optionId, { typed: config, credential, errors });
    }
  });

  router.post('/connect/:sessionId/setup', readForm, sameOriginOnly, async (request, response) => {
    const { session } = await enter(request, response);
    const setup = await connect.setups.begin(session, askerOf(session));
    const isForwarded = formField(request, 'then') === 'forward';
    // 307 keeps it a POST, which the way to the link's page is: a GET gives out nothing.
    if (isForwarded) response.redirect(307, `/connect/setup/${setup.id}/forward`);
    else response.redirect(303, `/connect/setup/${setup.id}`);
  });

  router.post('/connect/:sessionId/cancel', readForm, sameOriginOnly, async (request, response) => {
    const { session } = await enter(request, response);
    await connect.cancelSession(session);
    response.redirect(303, `/connect/${session.id}/done`);
  });

  router.get('/connect/:sessionId/done', async (request, response) => {
    const { session } = await enter(request, response);
    const state = await connect.stateOf(session);
    const onwards = state.status === 'pending' ? `/connect/${session.id}` : quickReturn(session, state);
    if (onwards !== null) response.redirect(303, onwards);
    else response.type('html').send(outcomePage(session, state));
  });

  return router;
};
