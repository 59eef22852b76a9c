import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectSessionRequest, CreatedConnectSession } from '@authpipe/types';
import { afterAll, afterEach, beforeAll, it } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../demo/test/support/chromium.js';
import { describeInChromium } from '../../demo/test/support/describe-in-chromium.js';
import { type ConnectWorld, newSession, startConnectWorld, stateOf } from './support/connect-world.js';
import { checkHostedPage } from './support/hosted-page-check.js';
import {
  startTypedProvider,
  TYPED_METHODS,
  type TypedProvider,
  typedDefinition,
} from './support/typed-provider.js';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const { api_key, basic, webhook_secret, client_credentials } = TYPED_METHODS;
const ALLOWED = ['openid', 'profile', 'email', 'okta.users.read', 'okta.groups.read'];

/** A state of the hosted pages: its heading, the way there, and what it has to say besides. */
type State = readonly [name: string, heading: string, reach: () => Promise<void>, ...says: string[]];

describeInChromium('Each page and state of the hosted pages', () => {
  let world: ConnectWorld;
  let provider: TypedProvider;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let users = 0;
  /** What is reconnected. */
  let connected = '';
  /** The app, at an origin that sessions allow, and at others. */
  const app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>App</title>');
  });
  const appOrigin = () => `http://app.localhost:${(app.address() as AddressInfo).port}`;

  beforeAll(async () => {
    world = await startConnectWorld({
      definition: typedDefinition([api_key, basic, webhook_secret, client_credentials]),
      orgClient: { scopes: ALLOWED },
    });
    await world.setUp('okta', { scopes: ALLOWED });
    provider = await startTypedProvider();
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    app.close();
    await provider?.close();
    await world?.close();
  });
  afterEach(() => context?.close());

  const session = (more: Partial<ConnectSessionRequest> = {}): Promise<CreatedConnectSession> => {
    users += 1;
    return newSession(world, {
      ...{ allowedOrigins: [appOrigin()], integrations: ['okta'], returnUrl: `${appOrigin()}/settings` },
      ...(more.owner === undefined ? { userId: `user_${users}` } : {}),
      ...more,
    });
  };
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const mailed = async (more?: Partial<ConnectSessionRequest>): Promise<CreatedConnectSession> => {
    const made = await session(more);
    await page.goto(made.url);
    return made;
  };
  const entered = async (more?: Partial<ConnectSessionRequest>): Promise<CreatedConnectSession> => {
    const made = await mailed(more);
    await press('Continue');
    return made;
  };
  const signedIn = async (person = 'ada@acme.test', decision = 'allow'): Promise<void> => {
    await press('Continue to Okta');
    await page.locator(`button[value="${person}"]`).click();
    await page.locator(`button[value="${decision}"]`).click();
  };
  const typed = (more: Partial<ConnectSessionRequest> = {}) =>
    entered({ integrations: ['typed'], config: { site: provider.host }, ...more });
  const form = async (kind: keyof typeof TYPED_METHODS): Promise<void> => {
    await typed();
    await page.locator(`a.option[href$="typed.${TYPED_METHODS[kind].id}"]`).click();
  };
  /** Posts a form from a page, as an app's button does. */
  const postFrom = async (origin: string, action: string, fields: Record<string, string>): Promise<void> => {
    await page.goto(`${origin}/`);
    const inputs = Object.entries(fields)
      .map(([name, value]) => `<input name="${name}" value="${value}">`)
      .join('');
    await Promise.all([
      page.waitForURL(`${world.publicUrl}/**`),
      page.evaluate(
        `document.body.innerHTML = ${JSON.stringify(`<form method="post" action="${world.publicUrl}${action}">${inputs}</form>`)};
         document.forms[0].submit();`,
      ),
    ]);
  };
  const inAnotherBrowser = async (address: string): Promise<void> => {
    const other = await browser.newContext();
    await context.close();
    context = other;
    page = await context.newPage();
    await page.goto(address);
  };

  const states: readonly State[] = [
    ['link', 'Connect an account', async () => void (await mailed())],
    ['consent', 'Connect Okta', async () => void (await entered())],
    [
      'consent-workspace',
      'Connect Okta',
      async () => void (await entered({ owner: 'tenant', integrations: ['okta'] })),
    ],
    [
      'choice',
      'Choose what to connect',
      async () => {
        await world.setUp('auth0', { provider: 'auth0', config: { domain: 'acme.us.auth0.com' } });
        await entered({ integrations: ['okta', 'auth0'] });
      },
    ],
    [
      'domain',
      'Connect Okta',
      async () => {
        await world.setUp('okta-globex', { config: { domain: 'globex.okta.com' } });
        await entered({ integrations: ['okta', 'okta-globex'] });
      },
    ],
    [
      'domain-refused',
      'Connect Okta',
      async () => {
        await entered({ integrations: ['okta', 'okta-globex'] });
        await page.getByRole('textbox').fill('acme-admin.okta.com');
        await press('Continue to Okta');
      },
    ],
    [
      'connected',
      'Connected',
      async () => {
        await entered();
        await signedIn();
      },
    ],
    [
      'connected-with-less',
      'Connected',
      async () => {
        await entered({ scopes: [...ALLOWED, 'okta.logs.read', 'okta.apps.read'] });
        await signedIn();
      },
      'Not granted',
      'okta.logs.read',
    ],
    [
      'almost-done',
      'Almost done',
      async () => {
        await entered({ codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' });
        await signedIn();
      },
    ],
    [
      'cancelled',
      'You cancelled',
      async () => {
        await entered();
        await press('Cancel');
      },
    ],
    [
      'declined',
      'Access was declined',
      async () => {
        await entered();
        await signedIn('ada@acme.test', 'cancel');
      },
    ],
    [
      'reconnect',
      'Reconnect Okta',
      async () => {
        const made = await entered({ userId: 'user_again' });
        await signedIn();
        await page.getByRole('heading', { name: 'Connected' }).waitFor();
        connected = (await stateOf(world, made)).connection?.id ?? '';
        await entered({ userId: 'user_again', connectionId: connected });
      },
    ],
    [
      'another-account',
      'Another account signed in',
      async () => {
        await entered({ userId: 'user_again', connectionId: connected });
        await signedIn('grace@acme.test');
      },
    ],
    [
      'trouble',
      'Connect Okta',
      async () => {
        await entered();
        world.org.control.failNext({ kind: 'server_error', times: 9 });
        await signedIn();
        await page.getByRole('alert').waitFor();
        world.org.control.clearFaults();
      },
    ],
    [
      'form-choice',
      'Choose what to connect',
      async () => void (await typed()),
      ...Object.values(TYPED_METHODS).map(({ name }) => name),
    ],
    ['form-key', 'Connect Typed', () => form('api_key')],
    ['form-pair', 'Connect Typed', () => form('basic')],
    ['form-client', 'Connect Typed', () => form('client_credentials')],
    ['form-webhook', 'Connect Typed', () => form('webhook_secret')],
    [
      'form-wrong',
      'Connect Typed',
      async () => {
        await form('api_key');
        await page.getByRole('textbox').fill('what is this');
        await press('Check and connect');
      },
    ],
    [
      'form-refused',
      'Connect Typed',
      async () => {
        provider.answer = () => ({ status: 401 });
        await form('api_key');
        await page.getByRole('textbox').fill('tk_0123456789');
        await press('Check and connect');
        provider.answer = () => ({ status: 200, body: {} });
      },
    ],
    [
      'no-session',
      'There is nothing to connect here',
      async () => void (await page.goto(`${world.publicUrl}/connect/sess_${'A'.repeat(22)}`)),
    ],
    [
      'no-link',
      'This link does not work',
      async () => void (await page.goto(`${world.publicUrl}/connect?code=x`)),
    ],
    [
      'link-used',
      'This link was used before',
      async () => {
        const made = await entered();
        await inAnotherBrowser(made.url);
      },
    ],
    [
      'another-browser',
      'This was begun in another browser',
      async () => {
        const made = await entered();
        await inAnotherBrowser(`${world.publicUrl}/connect/${made.id}`);
      },
    ],
    [
      'foreign-page',
      'This page may not connect accounts',
      async () => {
        const { token } = await session();
        await postFrom(appOrigin().replace('app.', 'evil.'), '/connect', { token, integration: 'okta' });
      },
    ],
    [
      'not-set-up',
      'This can not be connected now',
      async () => {
        const { token } = await session();
        await postFrom(appOrigin(), '/connect', { token, integration: 'auth0' });
      },
    ],
    [
      'from-elsewhere',
      'This came from another page',
      () => postFrom(appOrigin(), '/connect/open', { code: 'x' }),
    ],
    [
      'unknown-sign-in',
      'This sign-in is not known here',
      async () => void (await page.goto(`${world.callback}?state=x&code=y`)),
    ],
    [
      'sign-in-used',
      'This sign-in was used before',
      async () => {
        await entered();
        const [callback] = await Promise.all([
          page.waitForRequest((request) => request.url().startsWith(world.callback)),
          signedIn(),
        ]);
        await page.getByRole('heading', { name: 'Connected' }).waitFor();
        await page.goto(callback.url());
      },
    ],
    [
      'provider-away',
      'The provider does not answer',
      async () => {
        await world.setUp('okta-away', { config: { domain: 'localhost:9' } });
        await entered({ integrations: ['okta-away'] });
        await press('Continue to Okta');
      },
    ],
    [
      'too-many',
      'Too many tries',
      async () => {
        const ask = () => fetch(`${world.publicUrl}/connect?code=x`);
        while ((await ask()).status !== 429);
        await page.goto(`${world.publicUrl}/connect?code=x`);
        world.forgetRequests();
      },
    ],
    // Last: from here on the server's clock is ahead of the org's.
    [
      'link-too-old',
      'This link is too old',
      async () => {
        const made = await session();
        world.moveClock(8 * 86_400);
        await page.goto(made.url);
      },
    ],
    [
      'too-late',
      'This took too long',
      async () => {
        const made = await entered();
        world.moveClock(8 * 86_400);
        await page.goto(`${world.publicUrl}/connect/${made.id}`);
      },
    ],
  ];

  it.each(states)(
    '%s: fits, is well for axe, light and dark, and says "%s"',
    async (name, heading, reach) => {
      world.forgetRequests();
      context = await browser.newContext();
      page = await context.newPage();
      await reach();
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
      await checkHostedPage(page, name);
    },
  );
});
