import { CONNECT_MESSAGE_TYPE, connectSessionState } from '@authpipe/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  newSession,
  type Page,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
  walkThrough,
} from './support/connect-world.js';

let world: ConnectWorld;
let users = 0;
let userId = '';

beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());
beforeEach(() => {
  users += 1;
  userId = `user_${users}`;
});

const session = (more: Parameters<typeof newSession>[1] = {}) => newSession(world, { userId, ...more });
const pageOf = async (more: Parameters<typeof newSession>[1] = {}, fields: Record<string, string> = {}) =>
  pressButton(world, createBrowser(), await session(more), fields);

const outcomeOf = (page: Page) => page.root.querySelector('[data-connect-message]');

describe('the hosted page', () => {
  it('says who asks, for whom, whom and for what', async () => {
    const { text } = await pageOf();
    for (const words of ['app.example.test', 'org_acme', userId, world.domain, 'Read access to users']) {
      expect(text).toContain(words);
    }
    expect(text).not.toContain('offline_access');
  });

  it('says when the access is for the whole workspace', async () => {
    expect((await pageOf({ owner: 'tenant', userId: undefined })).text).toContain('the whole workspace');
  });

  it('shows what the app wrote as text, never as markup', async () => {
    const page = await pageOf({
      tenantId: '<img src=x onerror=alert(1)>',
      userId: `"'><script>alert(1)</script>`,
    });
    expect(page.html).not.toContain('<img');
    expect(page.root.querySelectorAll('script')).toHaveLength(0);
    expect(page.text).toContain('onerror');
  });

  it('has one heading, a language, and a label for every field', async () => {
    const page = await pageOf();
    expect(page.root.querySelectorAll('h1')).toHaveLength(1);
    expect(page.root.querySelector('html')?.getAttribute('lang')).toBe('en');
    expect(page.html).not.toMatch(/ style="| onclick=|<style|javascript:/);
  });

  it('comes with headers that keep it to itself', async () => {
    const { headers } = await pageOf();
    const policy = String(headers['content-security-policy']);
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|\*;/);
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'unsafe-none',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  it('stands in frames of the session’s own origins alone, and in none where it names none or refuses', async () => {
    const framesOf = ({ headers }: Page) => ({
      ancestors: /frame-ancestors ([^;]*)/.exec(String(headers['content-security-policy']))?.[1],
      option: headers['x-frame-options'],
    });
    const never = { ancestors: "'none'", option: 'DENY' };
    const other = 'https://portal.example.test';
    const made = await session({ allowedOrigins: [APP_ORIGIN, other] });
    const browser = createBrowser();
    const hosted = await pressButton(world, browser, made);
    const own = { ancestors: `${APP_ORIGIN} ${other}`, option: undefined };
    expect(framesOf(hosted)).toEqual(own);
    expect(framesOf(await signInAt(await hosted.submit({ button: 'Continue' })))).toEqual(own);
    expect(framesOf(await createBrowser().open(hosted.url))).toEqual(never);

    const link = await browser.open((await session()).url);
    expect(framesOf(link)).toEqual(never);
    const nobodys = await browser.open((await session({ allowedOrigins: [] })).url);
    expect(framesOf(await nobodys.submit({ button: 'Continue' }))).toEqual(never);
  });

  it('brings its own style sheet and script', async () => {
    for (const [path, type] of [
      ['connect.css', 'text/css'],
      ['complete.js', 'text/javascript'],
    ]) {
      const answer = await fetch(`${world.publicUrl}/connect/assets/${path}`);
      expect(answer.headers.get('content-type')).toContain(type);
      const again = await fetch(answer.url, {
        headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
      });
      expect(again.status).toBe(304);
    }
  });
});

describe('what can be picked', () => {
  it('is a list of the session’s integrations, where the button names none', async () => {
    await world.setUp('auth0', { provider: 'auth0', config: { domain: 'acme.us.auth0.com' } });
    const page = await pageOf({}, { integration: '' });
    expect(page.text).toContain('Choose what to connect');
    const links = page.root.querySelectorAll('a.option').map((link) => link.getAttribute('href') ?? '');
    expect(links).toHaveLength(2);
  });

  it('is one when the session or the button says so', async () => {
    expect((await pageOf({ integrations: ['auth0'] }, { integration: '' })).text).toContain('Connect Auth0');
    expect((await pageOf({}, { integration: 'okta' })).text).toContain('Connect Okta');
  });

  it('is nothing outside the session', async () => {
    expect((await pageOf({ integrations: ['auth0'] }, { integration: 'okta' })).status).toBe(409);
  });

  it('is asked for by typing where several hosts are set up: they are other customers’ names', async () => {
    await world.setUp('okta-globex', { config: { domain: 'globex.okta.com' } });
    const page = await pageOf({ integrations: ['okta', 'okta-globex'] }, { integration: '' });
    expect(page.html).not.toContain('globex');
    expect(page.html).not.toContain(world.domain);
    const label = page.root.querySelector('label');
    expect(page.root.querySelector(`#${label?.getAttribute('for')}`)).not.toBeNull();

    const typed = (domain: string) =>
      page.submit({ fields: { 'config.domain': domain }, button: 'Continue' });
    const wrong = await typed('acme-admin.okta.com');
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('host of the admin console');
    const unknown = await typed('initech.okta.com');
    expect(unknown.status).toBe(422);
    expect(unknown.text).toContain('not set up for initech.okta.com');
    expect(unknown.root.querySelector('[aria-invalid="true"]')?.getAttribute('value')).toBe(
      'initech.okta.com',
    );
    const signIn = await typed(world.domain);
    expect(signIn.url.host).toBe(world.domain);
  });

  it('can not be led elsewhere by a field that the page does not have', async () => {
    const browser = createBrowser();
    const made = await session();
    const hosted = await pressButton(world, browser, made);
    const option = hosted.root.querySelector('[name=option]')?.getAttribute('value') ?? '';
    const answer = await browser.post(
      `${world.publicUrl}/connect/${made.id}/start`,
      { option, 'config.domain': 'evil.okta.com' },
      { origin: world.publicUrl },
    );
    expect(answer.url.host).toBe(world.domain);
  });
});

describe('the page at the end', () => {
  it('tells the opener the session’s state at its exact origin, and never a credential', async () => {
    const made = await session();
    const done = await walkThrough(world, made);
    const outcome = outcomeOf(done);
    expect(outcome?.getAttribute('data-opener-origin')).toBe(APP_ORIGIN);
    expect(outcome?.getAttribute('data-close')).toBe('yes');
    expect(JSON.parse(outcome?.getAttribute('data-connect-message') ?? '')).toEqual({
      type: CONNECT_MESSAGE_TYPE,
      session: await stateOf(world, made),
    });
    expect(done.text).toContain('You can close this window.');
  });

  it('tells nobody where a link opened the session', async () => {
    const made = await session({ returnUrl: `${APP_ORIGIN}/back`, integrations: ['okta'] });
    const link = await createBrowser().open(made.url);
    const hosted = await link.submit({ button: 'Continue' });
    const done = await signInAt(await hosted.submit({ button: 'Continue' }));
    expect(outcomeOf(done)).toBeNull();
    const back = done.root.querySelector('a.primary')?.getAttribute('href') ?? '';
    expect(new URL(back.replaceAll('&amp;', '&')).pathname).toBe('/back');
  });

  it('leads back at once in redirect mode, with the session’s id and how it went', async () => {
    const returnUrl = `${APP_ORIGIN}/settings?tab=okta`;
    const walk = async (decision: string) => {
      const made = await session({ returnUrl });
      const browser = createBrowser({ stopAt: ({ origin }) => origin === APP_ORIGIN });
      const hosted = await pressButton(world, browser, made, { display: 'redirect' });
      const { url } = await signInAt(await hosted.submit({ button: 'Continue' }), { decision });
      return { url, made };
    };
    for (const [decision, status] of [
      ['allow', 'complete'],
      ['cancel', 'failed'],
    ] as const) {
      const { url, made } = await walk(decision);
      expect(url.pathname).toBe('/settings');
      expect(Object.fromEntries(url.searchParams)).toEqual({
        tab: 'okta',
        authpipe_session: made.id,
        authpipe_status: status,
      });
    }
  });

  it('leads to the session’s own returnUrl, whatever address a link or an answer brings along', async () => {
    const elsewhere = 'https://evil.test/';
    const made = await session({ returnUrl: `${APP_ORIGIN}/settings` });
    const fields = { display: 'redirect', return_url: elsewhere, returnUrl: elsewhere };
    const browser = createBrowser({
      stopAt: ({ origin }) => ![world.publicUrl, world.org.url].includes(origin),
    });
    await pressButton(world, browser, made, fields);
    for (const name of ['returnUrl', 'return_url', 'redirect_uri', 'next', 'url']) {
      await browser.open(`${world.publicUrl}/connect/${made.id}?${name}=${encodeURIComponent(elsewhere)}`);
      await browser.open(`${world.callback}?${name}=${encodeURIComponent(elsewhere)}&state=x`);
    }
    const hosted = await browser.open(`${world.publicUrl}/connect/${made.id}?returnUrl=${elsewhere}`);
    const { url } = await signInAt(await hosted.submit({ button: 'Continue' }));
    expect(`${url.origin}${url.pathname}`).toBe(`${APP_ORIGIN}/settings`);
    expect(browser.visited.filter((visited) => visited.startsWith(elsewhere))).toEqual([]);
  });

  it('is where a session that ended leads, whichever of its pages is opened', async () => {
    const browser = createBrowser();
    const made = await session();
    const done = await walkThrough(world, made, { browser });
    expect((await browser.open(`${world.publicUrl}/connect/${made.id}`)).url.href).toBe(done.url.href);
  });

  it('is a page that leads nowhere for ids that are none', async () => {
    const open = (path: string) => createBrowser().open(`${world.publicUrl}/connect/${path}`);
    for (const path of ['sess_x', `sess_${'A'.repeat(22)}`, '%E0%A4%A', 'sess_x/done']) {
      expect([path, (await open(path)).status]).toEqual([path, path.startsWith('%') ? 400 : 404]);
    }
  });
});

describe('the browser’s look at its session', () => {
  const look = (token: string, headers: Record<string, string> = {}) =>
    fetch(`${world.publicUrl}/connect/session`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });

  it('is readable to the origins that the session names, and to no other', async () => {
    const { token, id } = await session();
    const good = await look(token, { origin: APP_ORIGIN });
    expect(good.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    expect(good.headers.get('access-control-allow-credentials')).toBeNull();
    expect(good.headers.get('cache-control')).toBe('no-store');
    expect(good.headers.get('vary')).toContain('Origin');
    expect(await good.json()).toEqual({ id, status: 'pending' });
    for (const origin of ['http://evil.test', 'null', `${APP_ORIGIN}.evil.test`, APP_ORIGIN.toUpperCase()]) {
      const refused = await look(token, { origin });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      expect(await refused.text()).not.toContain(id);
    }
  });

  it('is nobody’s where the session names no origin', async () => {
    const { token } = await session({ allowedOrigins: [] });
    expect((await look(token, { origin: APP_ORIGIN })).status).toBe(403);
  });

  it('needs the token, and says so to the page that asked', async () => {
    for (const token of ['', 'x', `aps_aHR0cA.${'A'.repeat(43)}`]) {
      const refused = await look(token, { origin: APP_ORIGIN });
      expect(refused.status).toBe(401);
      expect(refused.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
      expect(await refused.json()).toMatchObject({
        type: `${world.publicUrl}/docs/errors/unauthorized`,
        code: 'unauthorized',
      });
    }
  });

  it('lets browsers ask first, without the token', async () => {
    const answer = await fetch(`${world.publicUrl}/connect/session`, {
      method: 'OPTIONS',
      headers: {
        origin: APP_ORIGIN,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toBe('Authorization');
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
  });

  it('shows the outcome without anything secret', async () => {
    const made = await session();
    await walkThrough(world, made);
    const answer = await look(made.token, { origin: APP_ORIGIN });
    const state = connectSessionState.parse(await answer.json());
    expect(Object.keys(state.connection ?? {}).sort()).toEqual(
      ['account', 'id', 'integration', 'label', 'missingScopes', 'provider', 'scopes', 'status'].sort(),
    );
  });
});
