import type { BrowserContext, Page } from 'playwright-core';
import type { Place } from './secret-search.js';

/** The sample app's page, opened and showing how the integration stands. */
export async function openApp(context: BrowserContext, appUrl: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(appUrl);
  await page.getByTestId('status').waitFor();
  return page;
}

/** The app's connect button, whatever it says. */
export const connectButton = (page: Page) => page.locator('[data-authpipe-button]');

/** Presses the connect button and waits for the hosted page in the popup. */
export async function pressConnect(app: Page): Promise<Page> {
  const opened = app.waitForEvent('popup');
  await connectButton(app).click();
  const popup = await opened;
  await popup.getByRole('button', { name: 'Continue' }).waitFor();
  return popup;
}

/** From the hosted page to the org's consent page, with a password as a person types it, unless the org knows the browser. */
export async function signInAtOrg(page: Page, email: string): Promise<void> {
  await page.getByRole('button', { name: 'Continue' }).click();
  const username = page.getByRole('textbox', { name: 'Username' });
  const allow = page.getByRole('button', { name: 'Allow access' });
  await username.or(allow).waitFor();
  if (await allow.isVisible()) return;
  await username.fill(email);
  await page.getByRole('textbox', { name: 'Password' }).fill('sandbox');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await allow.waitFor();
}

/** Waits until the app's page shows a status. */
export const showsStatus = (app: Page, text: string): Promise<void> =>
  app.getByTestId('status').filter({ hasText: text }).waitFor();

/** All that a page holds where scripts could read it: DOM, address, storages. */
export async function lookInto(page: Page): Promise<Place[]> {
  const held = await page.evaluate(() => ({
    address: location.href,
    cookies: document.cookie,
    local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage),
    window: JSON.stringify(Object.keys(window)),
    history: JSON.stringify(history.state),
  }));
  const parts = { ...held, document: await page.content() };
  const host = new URL(held.address).host;
  return Object.entries(parts).map(([part, text]) => ({ name: `${part} of ${host}`, text: text ?? '' }));
}

/** All that a profile keeps: cookies of every host, local storage and IndexedDB of every origin. */
export async function lookIntoProfile(context: BrowserContext): Promise<Place> {
  return { name: 'the profile', text: JSON.stringify(await context.storageState({ indexedDB: true })) };
}
