import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  newSession,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
  walkToCallback,
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
const tokenCalls = () => world.org.control.counters();

/** Sends a form as a page elsewhere would, with the cookies of a browser. */
const send = async (
  path: string,
  { cookies = {}, headers = {}, fields = {} }: Record<string, Record<string, string>>,
) =>
  fetch(new URL(path, world.publicUrl), {
    method: 'POST',
    redirect: 'manual',
    headers: {
      cookie: Object.entries(cookies)
        .map((pair) => pair.join('='))
        .join('; '),
      ...headers,
    },
    body: new URLSearchParams(fields),
  });

describe('the callback', () => {
  it('works once: the same address again connects nothing and says so', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    expect((await trip.resume()).text).toContain('is connected');
    const version = (await stateOf(world, made)).connection?.id;
    const calls = tokenCalls();
    const again = await trip.resume();
    expect(again.status).toBe(409);
    expect(again.text).toContain('This sign-in was used before');
    expect(tokenCalls()).toEqual(calls);
    expect((await stateOf(world, made)).connection?.id).toBe(version);
  });

  it('of ten at once reaches the provider once', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const pages = await Promise.all(Array.from({ length: 10 }, () => trip.resume()));
    expect(pages.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await stateOf(world, made)).status).toBe('complete');
  });

  it('in another browser changes nothing, not even the session’s state', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const calls = tokenCalls();
    const stranger = await createBrowser().open(trip.callback);
    expect(stranger.status).toBe(403);
    expect(stranger.text).toContain('begun in another browser');
    expect(stranger.html).not.toContain(made.id);
    expect(tokenCalls()).toEqual(calls);
    expect(await stateOf(world, made)).toEqual({ id: made.id, status: 'pending' });
    expect((await trip.resume()).text).toContain('is connected');
  });

  it('in a browser with a session of its own is refused too', async () => {
    const victim = createBrowser();
    await pressButton(world, victim, await session());
    const trip = await walkToCallback(world, await session());
    expect((await victim.open(trip.callback)).status).toBe(403);
    // Nothing was used up.
    expect((await trip.resume()).text).toContain('is connected');
  });

  it('is refused once the session moved to another browser', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const calls = tokenCalls();
    await pressButton(world, createBrowser(), made);
    expect((await trip.resume()).status).toBe(403);
    expect(tokenCalls()).toEqual(calls);
    expect((await stateOf(world, made)).status).toBe('pending');
  });

  it('with a denial from another browser does not fail somebody’s session', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const forged = new URL(trip.callback);
    forged.search = new URLSearchParams({
      error: 'access_denied',
      state: trip.callback.searchParams.get('state') ?? '',
    }).toString();
    await createBrowser().open(forged);
    expect((await stateOf(world, made)).status).toBe('pending');
  });

  it('with an error of another issuer (RFC 9207) is not believed: the person may try again', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const forged = new URL(trip.callback);
    const state = trip.callback.searchParams.get('state') ?? '';
    const iss = 'https://evil.okta.com';
    forged.search = new URLSearchParams({ error: 'access_denied', state, iss }).toString();
    expect((await trip.resume(forged)).text).toContain('did not come from Okta');
    expect(await stateOf(world, made)).toMatchObject({
      status: 'pending',
      error: { code: 'provider_error' },
    });
  });

  it('of an unknown state is a page, not an error', async () => {
    const page = await createBrowser().open(`${world.callback}?state=${'x'.repeat(43)}&code=y`);
    expect(page.status).toBe(400);
    expect(page.text).toContain('not known here');
    expect((await createBrowser().open(world.callback)).status).toBe(400);
  });

  it('with a code of another sign-in is refused by the provider: PKCE ties it to this one', async () => {
    const attacker = await walkToCallback(world, await session(), { person: 'linus@acme.test' });
    const made = await session();
    const trip = await walkToCallback(world, made);
    const injected = new URL(trip.callback);
    injected.searchParams.set('code', attacker.callback.searchParams.get('code') ?? '');
    const page = await trip.resume(injected);
    expect(page.text).not.toContain('is connected');
    expect((await stateOf(world, made)).status).toBe('pending');
  });

  it('is refused once the person cancelled in another tab', async () => {
    const made = await session();
    const trip = await walkToCallback(world, made);
    const hosted = await pressButton(world, trip.browser, made);
    await hosted.submit({ button: 'Cancel' });
    const page = await trip.resume();
    expect(page.text).toContain('not known here');
    expect(await stateOf(world, made)).toMatchObject({ error: { code: 'cancelled' } });
  });
});

describe('a browser', () => {
  it('keeps its id when another tab opens another session: both finish', async () => {
    const browser = createBrowser();
    const [one, two] = [await session(), await session({ userId: `${userId}b` })];
    const first = await pressButton(world, browser, one);
    const second = await pressButton(world, browser, two);
    const firstAtOrg = await first.submit({ button: 'Continue' });
    await signInAt(firstAtOrg);
    const secondAtOrg = await second.submit({ button: 'Continue' });
    await secondAtOrg.submit({ button: 'decision=allow' });
    expect((await stateOf(world, one)).status).toBe('complete');
    expect((await stateOf(world, two)).status).toBe('complete');
  });

  it('can open its popup again with the same token', async () => {
    const browser = createBrowser();
    const made = await session();
    await pressButton(world, browser, made);
    expect((await pressButton(world, browser, made)).status).toBe(200);
  });

  it('can not enter the session of another', async () => {
    const browser = createBrowser();
    const made = await session();
    const hosted = await pressButton(world, browser, made);
    expect((await createBrowser().open(hosted.url)).status).toBe(403);
    const stranger = createBrowser();
    await pressButton(world, stranger, await session({ userId: `${userId}b` }));
    expect((await stranger.open(hosted.url)).status).toBe(403);
    for (const step of ['start', 'cancel']) {
      const answer = await send(`/connect/${made.id}/${step}`, { headers: { origin: world.publicUrl } });
      expect(answer.status).toBe(403);
    }
    expect((await stateOf(world, made)).status).toBe('pending');
  });

  it('has cookies that scripts and other sites do not get', async () => {
    const { token } = await session();
    const answer = await send('/connect', { headers: { origin: APP_ORIGIN }, fields: { token } });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly/);
    expect(answer.headers.get('set-cookie')).toMatch(/SameSite=Lax/);
    expect(answer.headers.get('location')).not.toContain(token);
  });
});

describe('the button’s form', () => {
  it('is taken from the session’s own origins alone', async () => {
    for (const origin of [
      'http://evil.test',
      'http://app.example.test.evil.test',
      'null',
      'https://app.example.test',
    ]) {
      const { token } = await session();
      const answer = await send('/connect', { headers: { origin }, fields: { token } });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(await answer.text()).toContain('may not connect accounts');
    }
    const { token } = await session();
    expect((await send('/connect', { fields: { token } })).status).toBe(403);
  });

  it('with a token that is none is a page', async () => {
    for (const token of ['', 'aps_x.y', 'ap_test_abc', `aps_aHR0cA.${'A'.repeat(43)}`]) {
      const answer = await send('/connect', { headers: { origin: APP_ORIGIN }, fields: { token } });
      expect(answer.status).toBe(404);
    }
  });

  it('does not open a session that is over', async () => {
    const made = await session();
    const hosted = await pressButton(world, createBrowser(), made);
    await hosted.submit({ button: 'Cancel' });
    expect((await pressButton(world, createBrowser(), made)).text).toContain('already over');
  });
});

describe('forms of the hosted pages', () => {
  it('are taken from these pages alone, whatever cookies come along', async () => {
    const browser = createBrowser();
    const made = await session();
    const hosted = await pressButton(world, browser, made);
    const cookies = await browser.cookies(world.publicUrl);
    const elsewhere = [
      { origin: 'http://evil.test' },
      { origin: APP_ORIGIN },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://evil.test', 'sec-fetch-site': 'same-origin' },
      {},
    ] as Record<string, string>[];
    for (const headers of elsewhere) {
      for (const step of [`${made.id}/start`, `${made.id}/cancel`, 'open']) {
        const answer = await send(`/connect/${step}`, { cookies, headers });
        expect([step, headers, answer.status]).toEqual([step, headers, 403]);
      }
    }
    expect((await stateOf(world, made)).status).toBe('pending');
    const own = await send(`/connect/${made.id}/cancel`, {
      cookies,
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    expect(own.status).toBe(303);
    expect(hosted.status).toBe(200);
  });
});

describe('a mailed link', () => {
  it('is not used up by being opened, and works once by the person’s click', async () => {
    const made = await session({ linkLifetimeSeconds: 3600 });
    for (let scans = 0; scans < 3; scans += 1) {
      const scan = await createBrowser().open(made.url);
      expect(scan.status).toBe(200);
      expect(scan.text).toContain('org_acme');
      expect(scan.text).toContain('app.example.test');
      expect(scan.headers['set-cookie']).toBeUndefined();
    }
    const browser = createBrowser();
    const hosted = await (await browser.open(made.url)).submit({ button: 'Continue' });
    expect(hosted.text).toContain('Connect Okta');
    expect(hosted.url.search).toBe('');
    const second = await createBrowser().open(made.url);
    expect(second.status).toBe(410);
    expect(second.text).toContain('used before');
    const done = await signInAt(await hosted.submit({ button: 'Continue' }));
    expect(done.text).toContain('is connected');
    expect(done.text).toContain('You can close this window');
    expect((await stateOf(world, made)).status).toBe('complete');
  });

  it('of two clicks at once lets one in', async () => {
    const made = await session();
    const code = new URL(made.url).searchParams.get('code') ?? '';
    const click = () => send('/connect/open', { headers: { origin: world.publicUrl }, fields: { code } });
    const statuses = (await Promise.all([click(), click(), click()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([303, 410, 410]);
  });

  it('ends on time, before its session does', async () => {
    const made = await session({ linkLifetimeSeconds: 60 });
    const page = await createBrowser().open(made.url);
    world.moveClock(61);
    try {
      expect((await createBrowser().open(made.url)).text).toContain('too old');
      expect((await page.submit({ button: 'Continue' })).text).toContain('too old');
    } finally {
      world.moveClock(-61);
    }
  });

  it('that is not complete is a page', async () => {
    const made = await session();
    expect((await createBrowser().open(made.url.slice(0, -1))).status).toBe(404);
    expect((await createBrowser().open(`${world.publicUrl}/connect`)).status).toBe(404);
  });
});
