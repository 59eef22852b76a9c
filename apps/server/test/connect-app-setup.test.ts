import type { ConnectSessionRequest } from '@authpipe/types';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { OrgClient } from '../../demo/src/org/index.js';
import {
  CLIENT,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  type Page,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';

const WEEK = 7 * 86_400;
const { clientId, clientSecret } = CLIENT;
const TYPED = { 'credential.clientId': clientId };
const WITH_SECRET = { ...TYPED, 'credential.clientSecret': clientSecret };

let world: ConnectWorld;
afterEach(() => world?.close());

const start = async (orgClient: Partial<OrgClient> = {}): Promise<void> => {
  world = await startConnectWorld({ orgClient });
};

const session = (more: Partial<ConnectSessionRequest> = {}) =>
  newSession(world, { integrations: ['okta'], permissions: ['connect', 'setup'], ...more });

const link = (more: Partial<Parameters<ConnectWorld['connect']['setups']['createLink']>[0]> = {}) =>
  world.connect.setups.createLink({
    ...{ environment: ENVIRONMENT, tenantId: 'org_acme', integrationId: 'okta', provider: 'okta' },
    ...{ asker: 'app.example.test', ...more },
  });

const openLink = async (url: string, browser = createBrowser()): Promise<Page> =>
  (await browser.open(url)).submit({ button: 'Continue' });
const typeDomain = (page: Page, domain = world.domain): Promise<Page> =>
  page.submit({ fields: { 'config.domain': domain }, button: 'Continue' });
const tryIt = (page: Page, fields: Record<string, string>): Promise<Page> =>
  page.submit({ fields, button: 'Try it and save' });
/** From the guide, which shows the key first. */
const withSecret = async (guide: Page, browser: ReturnType<typeof createBrowser>): Promise<Page> => {
  const address = guide.root
    .querySelectorAll('a')
    .find((each) => each.textContent.includes('Use a client secret'));
  return browser.open(new URL(address?.getAttribute('href') ?? '', guide.url));
};
const fieldValue = (page: Page, id: string) => page.root.querySelector(`#${id}`)?.getAttribute('value');
const saved = (tenantId = 'org_acme') =>
  world.integrations.getIntegration({ environment: ENVIRONMENT, tenantId, integrationId: 'okta' });

describe('a person whose workspace has no app yet', () => {
  it('is led to one that signs with a key, and connects: no secret is typed, shown or kept', async () => {
    await start({ publicKeys: [] });
    const made = await session();
    const browser = createBrowser();
    const offer = await pressButton(world, browser, made);
    expect(offer.text).toContain('Okta has to be set up first');
    const guide = await typeDomain(await offer.submit({ button: 'Set it up now' }));
    expect(fieldValue(guide, 'redirect-uri')).toBe(world.callback);
    expect(guide.text).toContain('okta.users.read');
    expect(guide.root.querySelector('input[type="password"]')).toBeNull();

    const keySetUrl = fieldValue(guide, 'key-set-url') ?? '';
    const keySet = await (await fetch(keySetUrl)).json();
    expect(keySet).toEqual({ keys: [expect.objectContaining({ kty: 'RSA', use: 'sig', alg: 'RS256' })] });
    expect(JSON.stringify(keySet)).not.toContain('"d"');
    world.org.control.setKeySetUrl(clientId, keySetUrl);

    const done = await tryIt(guide, TYPED);
    expect(done.text).toContain('Okta is set up');
    expect(done.text).toContain('Assignments');
    const onwards = done.root.querySelector('a.primary')?.getAttribute('href') ?? '';
    const consent = await browser.open(new URL(onwards, done.url));
    await signInAt(await consent.submit({ button: 'Continue' }));
    expect(await stateOf(world, made)).toMatchObject({ status: 'complete' });
    expect(await (await fetch(keySetUrl)).json()).toEqual(keySet);
    expect(await saved()).toMatchObject({ tenantId: 'org_acme', authMethod: 'user_oauth_key' });
  });

  it('may type a secret instead', async () => {
    await start();
    const made = await session();
    const browser = createBrowser();
    const offer = await pressButton(world, browser, made);
    const guide = await typeDomain(await offer.submit({ button: 'Set it up now' }));
    const done = await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(done.text).toContain('Okta is set up');
    expect(await saved()).toMatchObject({ authMethod: 'user_oauth', config: { domain: world.domain } });
  });

  it('is asked nothing of the kind where the session does not permit it', async () => {
    await start();
    await expect(session({ permissions: ['connect'] })).rejects.toMatchObject({
      code: 'integration_not_configured',
    });
  });

  it('goes straight on where the app is there', async () => {
    await start();
    await world.setUp();
    const page = await pressButton(world, createBrowser(), await session());
    expect(page.text).toContain('Connect Okta');
  });
});

describe('the trial', () => {
  it.each<[string, Partial<OrgClient>, Record<string, string>, string]>([
    [
      'a wrong secret',
      {},
      { 'credential.clientSecret': 'planted-wrong' },
      'Client ID and what proves it: to be mended',
    ],
    ['no refresh tokens', { grantTypes: ['authorization_code'] }, {}, 'Grant types: to be mended'],
    ['another redirect URI', { redirectUris: ['http://localhost:1/x'] }, {}, 'Redirect URI: to be mended'],
    ['scopes that are not granted', { scopes: [] }, {}, 'Scopes: to be mended'],
  ])(
    'of an app with %s saves nothing, says which step is missing, and is made again',
    async (_what, client, typed, says) => {
      await start(client);
      const browser = createBrowser();
      const guide = await typeDomain(await openLink((await link()).url, browser));
      const refused = await tryIt(await withSecret(guide, browser), { ...WITH_SECRET, ...typed });
      expect(refused.status).toBe(422);
      expect(refused.root.querySelector('[role="alert"]')?.textContent).toContain(says);
      expect(refused.html).not.toContain(clientSecret);
      expect(refused.html).not.toContain('planted-wrong');
      expect(fieldValue(refused, refused.root.querySelector('[name="credential.clientId"]')?.id ?? '')).toBe(
        clientId,
      );
      expect(await saved()).toBeNull();
    },
  );

  it('keeps DPoP for an app that demands it', async () => {
    await start({ dpop: true });
    const browser = createBrowser();
    const guide = await typeDomain(await openLink((await link()).url, browser));
    await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(await saved()).toMatchObject({ dpop: true });
  });

  it('sends what is typed to hosts of the provider alone', async () => {
    await start();
    for (const domain of [
      'metadata.internal',
      'evil.example.com:8443',
      '169.254.169.254',
      'acme-admin.okta.com',
      'acme.okta.com@evil.test',
    ]) {
      const refused = await typeDomain(await openLink((await link()).url), domain);
      expect(refused.status).toBe(422);
    }
  });

  it('is made no more than twenty times a minute', async () => {
    await start();
    let page = await typeDomain(await openLink((await link()).url));
    for (let count = 0; count < 20; count += 1) page = await tryIt(page, TYPED);
    await expect(tryIt(page, TYPED)).resolves.toMatchObject({ status: 429 });
  });
});

describe('a person whom nobody assigned to the app', () => {
  it('is told what an administrator has to do, and nothing is connected', async () => {
    await start({ assignedTo: ['grace@acme.test'] });
    await world.setUp('okta', { tenantId: 'org_acme' });
    const made = await session();
    const hosted = await pressButton(world, createBrowser(), made);
    const signIn = await hosted.submit({ button: 'Continue' });
    const end = await signIn.submit({ button: 'person=ada@acme.test' });
    expect(end.text).toContain('You are not assigned to the Okta app');
    expect((await stateOf(world, made)).connection).toBeUndefined();
  });
});

describe('a forwarded link', () => {
  it('works for a week, in the browser of whoever pressed its button last, until it is done', async () => {
    await start();
    const { url } = await link();
    const [first, second] = [createBrowser(), createBrowser()];
    const seen = await first.open(url);
    expect(seen.text).toContain('app.example.test');
    // Looking takes nothing: mail scanners look, too.
    for (let count = 0; count < 3; count += 1) await createBrowser().open(url);
    world.moveClock(WEEK - 60);
    const begun = await seen.submit({ button: 'Continue' });
    const taken = await openLink(url, second);
    expect((await first.open(begun.url)).text).toContain('another browser');
    const done = await tryIt(await withSecret(await typeDomain(taken), second), WITH_SECRET);
    expect(done.text).toContain('Okta is set up');
    const again = await createBrowser().open(url);
    expect([again.status, again.text]).toEqual([410, expect.stringContaining('set up already')]);
  });

  it('is too old after that, also for a page that is open', async () => {
    await start();
    const { url } = await link();
    const browser = createBrowser();
    const page = await openLink(url, browser);
    world.moveClock(WEEK);
    expect((await browser.open(url)).text).toContain('too old');
    expect((await typeDomain(page)).status).toBe(410);
  });

  it('is replaced by the next one, which the person in the middle can make', async () => {
    await start();
    const first = await link();
    const page = await openLink(first.url);
    const forwarded = await page.submit({ button: 'Get a link to send' });
    const next = fieldValue(forwarded, 'setup-link') ?? '';
    expect(new URL(next).pathname).toBe('/connect/setup');
    expect((await createBrowser().open(first.url)).status).toBe(404);
    expect((await openLink(next)).text).toContain('Where is your Okta?');
  });

  it('of a session leads an administrator through, and the person only has to press the button again', async () => {
    await start();
    const person = createBrowser();
    const made = await session();
    const offer = await pressButton(world, person, made);
    const forwarded = await offer.submit({ button: 'Get a link for the administrator' });
    const admin = createBrowser();
    const guide = await typeDomain(await openLink(fieldValue(forwarded, 'setup-link') ?? '', admin));
    const done = await tryIt(await withSecret(guide, admin), WITH_SECRET);
    // The session is the person's: an administrator is not led into it.
    expect(done.html).not.toContain(made.id);
    expect(done.text).toContain('You can close this window');
    expect((await person.open(`${world.publicUrl}/connect/${made.id}`)).text).toContain('Connect Okta');
  });

  it('ends with the others of the same app: a later one could only undo it', async () => {
    await start();
    const [one, other] = [await link(), await link()];
    const [first, second] = [createBrowser(), createBrowser()];
    const late = await typeDomain(await openLink(other.url, second));
    await tryIt(await withSecret(await typeDomain(await openLink(one.url, first)), first), WITH_SECRET);
    const before = await saved();
    expect((await tryIt(late, TYPED)).status).toBe(410);
    expect(await saved()).toEqual(before);
  });

  it('does not touch an app that others set up meanwhile', async () => {
    await start();
    const browser = createBrowser();
    const guide = await typeDomain(await openLink((await link()).url, browser));
    await world.setUp('okta', { tenantId: 'org_acme' });
    const before = await saved();
    const refused = await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(refused.text).toContain('Somebody else set this app up meanwhile');
    expect(await saved()).toEqual(before);
  });

  it('keeps to the settings that it was made with, whatever is typed or sent along', async () => {
    await start();
    const browser = createBrowser();
    const page = await openLink((await link({ config: { domain: world.domain } })).url, browser);
    expect(page.root.querySelector('[name="config.domain"]')).toBeNull();
    const guide = await browser.post(
      `${page.url}/address`,
      { 'config.domain': 'evil.example.com' },
      { origin: world.publicUrl },
    );
    expect(guide.text).not.toContain('Change where it is');
    await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(await saved()).toMatchObject({ config: { domain: world.domain } });
  });

  it('for an app that is there renews its client where it is', async () => {
    await start();
    await world.setUp('okta', { tenantId: 'org_acme' });
    const before = await saved();
    const browser = createBrowser();
    const page = await openLink((await link()).url, browser);
    const guide = await page.submit({ button: 'Continue' });
    expect(guide.text).toContain(world.domain);
    const done = await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(done.text).toContain('Okta is set up');
    expect(await saved()).toMatchObject({ rowId: before?.rowId, config: { domain: world.domain } });
  });

  it('is not made with a setting that is wrong, which nobody could mend; nor is a session', async () => {
    await start();
    const wrong = { config: { domain: 'acme-admin.okta.com' } };
    const refused = { code: 'invalid_request', details: { errors: [{ pointer: '/config/domain' }] } };
    await expect(link(wrong)).rejects.toMatchObject(refused);
    await expect(session(wrong)).rejects.toMatchObject(refused);
  });

  it('sets one tenant’s app up, and no other', async () => {
    await start();
    await world.setUp('okta', { tenantId: 'org_globex' });
    const before = await saved('org_globex');
    const browser = createBrowser();
    const guide = await typeDomain(await openLink((await link()).url, browser));
    await tryIt(await withSecret(guide, browser), WITH_SECRET);
    expect(await saved('org_globex')).toEqual(before);
    expect(await saved()).not.toBeNull();
    expect(await world.db.prisma.connection.count()).toBe(0);
  });

  it('is taken from these pages alone', async () => {
    await start();
    const browser = createBrowser();
    const page = await openLink((await link()).url, browser);
    for (const action of ['address', 'try', 'forward']) {
      const answer = await browser.post(`${page.url}/${action}`, {}, { origin: 'https://evil.example' });
      expect(answer.status).toBe(403);
    }
  });

  it('is made for providers whose app each customer makes, and for no other', async () => {
    await start();
    await expect(link({ provider: 'snyk' })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(link({ provider: 'none' })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('what is secret in a set-up', () => {
  it('is in no log, page or row: the client secret, the private key, the link', async () => {
    await start({ publicKeys: [] });
    const browser = createBrowser();
    const { url } = await link();
    const code = new URL(url).searchParams.get('code') ?? '';
    const guide = await typeDomain(await openLink(url, browser));
    const key = await world.connect.setups.keySetOf(
      (await world.db.prisma.appSetup.findFirstOrThrow()).integrationRowId,
    );
    const refused = await tryIt(await withSecret(guide, browser), {
      ...TYPED,
      'credential.clientSecret': 'planted-typed-secret',
    });
    const row = await world.db.prisma.appSetup.findFirstOrThrow();
    const everything = [
      refused.html,
      world.logLines.join('\n'),
      JSON.stringify(row),
      Buffer.from(row.clientKey ?? []).toString('latin1'),
    ];
    for (const place of everything) {
      expect(place).not.toContain('planted-typed-secret');
      expect(place).not.toContain(code);
      expect(place).not.toContain('"d":');
    }
    expect(key?.keys[0]).not.toHaveProperty('d');
    expect(world.logLines.join('\n')).toContain('setup.tried');
  });

  it('has no address of its own: keys of nobody are not found', async () => {
    await start();
    const answer = await fetch(`${world.publicUrl}/connect/keys/int_${'A'.repeat(22)}`);
    expect([answer.status, await answer.json()]).toEqual([404, { keys: [] }]);
  });
});

it('set-ups are forgotten a day after their end', async () => {
  await start();
  await link();
  await world.connect.setups.sweepSetups(new Date(Date.now() + (WEEK + 86_000) * 1_000));
  expect(await world.db.prisma.appSetup.count()).toBe(1);
  await world.connect.setups.sweepSetups(new Date(Date.now() + (WEEK + 90_000) * 1_000));
  expect(await world.db.prisma.appSetup.count()).toBe(0);
});
