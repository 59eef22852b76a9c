import type { ProviderDefinition } from '@authpipe/providers';
import type { AppSetup } from '../../connect/app-setup/app-setup.js';
import { type Html, html } from './html.js';

/** Who asks for the app. */
export const setupAsker = ({ asker }: Pick<AppSetup, 'asker'>): string =>
  asker ?? 'The app that sent you here';

/** For whose workspace it is. */
export const setupRows = ({ tenantId }: Pick<AppSetup, 'tenantId'>): Html =>
  html`<div><dt>Workspace</dt><dd>${tenantId}</dd></div>`;

/** Settings that are known, as rows of a list. */
export const settingRows = (
  { config }: ProviderDefinition,
  settings: Readonly<Record<string, string>>,
): Html[] =>
  Object.entries(config)
    .filter(([name]) => Object.hasOwn(settings, name))
    .map(([name, { label }]) => html`<div><dt>${label}</dt><dd>${settings[name] ?? ''}</dd></div>`);

/** What is said of the safekeeping under each of the set-up's pages. */
export const SETUP_FOOTER =
  'What you type is tried at the provider before it is saved, and kept encrypted. It sets one app up, and gives access to nothing until somebody signs in.';
