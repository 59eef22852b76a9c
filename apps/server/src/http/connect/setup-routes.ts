import type { ProviderDefinition } from '@authpipe/providers';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { AppSetup } from '../../connect/app-setup/app-setup.js';
import type { Setups } from '../../connect/app-setup/create-setups.js';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { BrowserCookies } from './browser-cookies.js';
import { formField, readForm, typedCredential, typedSettings } from './form-input.js';
import { type SetupGuide, setupGuidePage } from './setup-guide-page.js';
import { forwardedPage, setupAddressPage, setupDonePage, setupLinkPage } from './setup-pages.js';

const SETUP_ID = /^setup_[A-Za-z0-9_-]{22}$/;
const ROW_ID = /^int_[A-Za-z0-9_-]{22}$/;

/** A provider that asks again soon sees a new key soon; more often than this it need not. */
const KEY_SET_SECONDS = 300;

export interface SetupRouteDependencies {
  readonly setups: Setups;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly cookies: BrowserCookies;
  readonly sameOriginOnly: RequestHandler;
  /** Keeps trials, of which each asks the provider, to what a person makes. */
  readonly limitTrials: RequestHandler;
  readonly allowLoopback: boolean;
  /** Without a trailing slash. */
  readonly publicUrl: string;
}

const isTyping = (error: unknown): error is ConnectRefusal =>
  error instanceof ConnectRefusal && error.kind === 'wrong_settings';

/** The tenant's own app: the forwarded link, its two steps, and the address from which the provider fetches keys. */
export const setupRoutes = ({
  setups,
  findProvider,
  cookies,
  sameOriginOnly,
  limitTrials,
  allowLoopback,
  publicUrl,
}: SetupRouteDependencies): Router => {
  const router = Router();

  const definitionOf = ({ provider }: AppSetup): ProviderDefinition => {
    const definition = findProvider(provider);
    if (!definition) throw new ConnectRefusal('unknown_setup');
    return definition;
  };

  const enter = async (request: Request): Promise<AppSetup> => {
    const id = String(request.params.setupId);
    if (!SETUP_ID.test(id)) throw new ConnectRefusal('unknown_setup');
    return setups.enter(id, cookies.browserId(request));
  };

  const showGuide = (
    response: Response,
    setup: AppSetup,
    more: Pick<SetupGuide, 'methodId' | 'trial' | 'credential' | 'errors'>,
  ): void => {
    const page = setupGuidePage({
      ...{ setup, definition: definitionOf(setup), allowLoopback, ...more },
      redirectUri: `${publicUrl}/connect/callback`,
      keySetUrl: setups.keySetUrl(setup.integrationRowId),
    });
    response.type('html').send(page);
  };

  // Asked by providers, without a cookie: the keys are public.
  router.get('/connect/keys/:rowId', async (request, response) => {
    const rowId = String(request.params.rowId);
    const keySet = ROW_ID.test(rowId) ? await setups.keySetOf(rowId) : null;
    if (keySet === null) {
      response.status(404).json({ keys: [] });
      return;
    }
    response.set('Cache-Control', `public, max-age=${KEY_SET_SECONDS}`);
    response.type('application/jwk-set+json').send(JSON.stringify(keySet));
  });

  router.get('/connect/setup', async (request, response) => {
    const { code } = request.query;
    if (typeof code !== 'string') throw new ConnectRefusal('unknown_link');
    const setup = await setups.peek(code);
    response.type('html').send(setupLinkPage(setup, definitionOf(setup), code));
  });

  router.post('/connect/setup/open', readForm, sameOriginOnly, async (request, response) => {
    const code = formField(request, 'code') ?? '';
    const { setup, browserId } = await setups.openByLink(code, cookies.browserId(request));
    cookies.setBrowserId(response, browserId);
    response.redirect(303, `/connect/setup/${setup.id}`);
  });

  router.get('/connect/setup/:setupId', async (request, response) => {
    const setup = await enter(request);
    const definition = definitionOf(setup);
    const { with: picked, edit } = request.query;
    if (setup.finishedAt !== null) {
      const onwards = setup.sessionId === null ? null : `/connect/${setup.sessionId}`;
      response.type('html').send(setupDonePage(setup, definition, onwards));
    } else if (!setups.hasSettings(setup) || edit === 'address') {
      response.type('html').send(setupAddressPage(setup, definition));
    } else showGuide(response, setup, { methodId: typeof picked === 'string' ? picked : null });
  });

  router.post('/connect/setup/:setupId/address', readForm, sameOriginOnly, async (request, response) => {
    const setup = await enter(request);
    const typed = typedSettings(request);
    try {
      await setups.saveSettings(setup, typed);
      response.redirect(303, `/connect/setup/${setup.id}`);
    } catch (error) {
      if (!isTyping(error)) throw error;
      const errors = error.details.errors ?? [];
      response
        .status(422)
        .type('html')
        .send(setupAddressPage(setup, definitionOf(setup), { typed, errors }));
    }
  });

  router.post(
    '/connect/setup/:setupId/try',
    limitTrials,
    readForm,
    sameOriginOnly,
    async (request, response) => {
      const setup = await enter(request);
      const methodId = formField(request, 'method') ?? '';
      const credential = typedCredential(request);
      try {
        const trial = await setups.tryApp(setup, { methodId, credential });
        if (trial.isSaved) response.redirect(303, `/connect/setup/${setup.id}`);
        else showGuide(response.status(422), setup, { methodId, credential, trial });
      } catch (error) {
        if (!isTyping(error)) throw error;
        showGuide(response.status(422), setup, { methodId, credential, errors: error.details.errors ?? [] });
      }
    },
  );

  router.post('/connect/setup/:setupId/forward', readForm, sameOriginOnly, async (request, response) => {
    const setup = await enter(request);
    const link = await setups.forward(setup);
    response.type('html').send(forwardedPage(setup, definitionOf(setup), link));
  });

  return router;
};
