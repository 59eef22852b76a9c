import type { AppSetup } from '../../connect/app-setup/app-setup.js';
import { type Html, html } from './html.js';

/** Who asks for the app. */
export const setupAsker = ({ asker }: Pick<AppSetup, 'asker'>): string =>
  asker ?? 'The app that sent you here';

/** For whose workspace it is. */
export const setupRows = ({ tenantId }: Pick<AppSetup, 'tenantId'>): Html =>
  html`<div><dt>Workspace</dt><dd>${tenantId}</dd></div>`;

/** What is said of the safekeeping under each of the set-up's pages. */
export const SETUP_FOOTER =
  'What you type is tried at the provider before it is saved, and kept encrypted. It sets one app up, and gives access to nothing until somebody signs in.';
