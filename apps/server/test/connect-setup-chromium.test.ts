import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../demo/test/support/chromium.js';
import { describeInChromium } from '../../demo/test/support/describe-in-chromium.js';
import {
  CLIENT,
  type ConnectWorld,
  newSession,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import { checkHostedPage } from './support/hosted-page-check.js';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];

describeInChromium('The set-up of a workspace’s own app', () => {
  let world: ConnectWorld;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    // An app as it is made first: it signs, and nobody has told the org yet with which key, nor granted a scope.
    world = await startConnectWorld({ orgClient: { publicKeys: [], scopes: [] } });
    context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    page = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    await world.close();
  });

  const session = () => newSession(world, { integrations: ['okta'], permissions: ['connect', 'setup'] });
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const shows = (heading: string) => page.getByRole('heading', { level: 1, name: heading }).waitFor();
  const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
  const typeDomain = async () => {
    await page.getByRole('textbox', { name: 'Okta domain' }).fill(world.domain);
    await page.keyboard.press('Enter');
    await shows('Make the app at Okta');
  };

  it('leads an administrator through, names what is missing, and ends in a connection without a secret', async () => {
    const made = await session();
    await page.goto(made.url);
    await press('Continue');
    await shows('Okta has to be set up first');
    await checkHostedPage(page, 'setup-offer');
    await press('Set it up now');
    await shows('Where is your Okta?');
    await checkHostedPage(page, 'setup-address');
    await page.getByRole('textbox', { name: 'Okta domain' }).fill('acme-admin.okta.com');
    await press('Continue');
    await page.getByText('That is the host of the admin console').waitFor();
    await checkHostedPage(page, 'setup-address-refused');
    await typeDomain();
    await checkHostedPage(page, 'setup-guide');

    await page.getByRole('button', { name: 'Copy Redirect URI' }).press('Enter');
    await page.getByRole('status').filter({ hasText: 'Copied: Copy Redirect URI' }).waitFor();
    expect(await copied()).toBe(world.callback);
    await press('Copy Key set URL');
    await page.getByRole('status').filter({ hasText: 'Copied: Copy Key set URL' }).waitFor();
    world.org.control.setKeySetUrl(CLIENT.clientId, await copied());

    await page.getByRole('textbox', { name: 'Client ID' }).fill(CLIENT.clientId);
    await press('Try it and save');
    await page.getByRole('alert').filter({ hasText: 'Scopes: to be mended' }).waitFor();
    expect(await page.evaluate<string>('document.activeElement.getAttribute("role")')).toBe('alert');
    await checkHostedPage(page, 'setup-missing');
    world.org.control.grantScopes(CLIENT.clientId, ['okta.users.read']);
    await press('Try it and save');
    await shows('Okta is set up');
    await checkHostedPage(page, 'setup-done');

    await page.getByRole('link', { name: 'Continue: connect Okta' }).click();
    await press('Continue to Okta');
    await page.locator('button[value="ada@acme.test"]').click();
    await page.locator('button[value="allow"]').click();
    await shows('Connected');
    expect(await stateOf(world, made)).toMatchObject({ status: 'complete' });
  });

  it('is forwarded by a link to an administrator, in a browser of theirs', async () => {
    await page.goto((await session()).url);
    await press('Continue');
    await press('Get a link for the administrator');
    await shows('Send this link to the administrator');
    await checkHostedPage(page, 'setup-forwarded');
    await press('Copy Link to the set-up');
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor();
    const link = await copied();

    const theirs = await browser.newContext();
    page = await theirs.newPage();
    await page.goto(link);
    await shows('Set Okta up');
    await checkHostedPage(page, 'setup-link');
    await press('Continue');
    await typeDomain();
    await page.getByRole('link', { name: 'Use a client secret instead' }).click();
    await page.getByRole('textbox', { name: 'Client secret' }).waitFor();
    await checkHostedPage(page, 'setup-guide-secret');
    await theirs.close();
  });
});
