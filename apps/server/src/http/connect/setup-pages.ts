import type { ProviderDefinition } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import { type AppSetup, setupMethodsOf } from '../../connect/app-setup/app-setup.js';
import type { SetupLink, SetupOffer } from '../../connect/app-setup/open-setup.js';
import type { ConnectSession } from '../../connect/connect-session.js';
import type { Settings } from '../../connect/session-choices.js';
import { configField } from './config-fields.js';
import { copyField } from './copy-field.js';
import { faultsOf, generalAlert } from './form-field.js';
import { type Html, html } from './html.js';
import { marks, outcomeMark, pageLayout } from './page-layout.js';
import { askerName, askerOf, ownerRows } from './session-words.js';
import { SETUP_FOOTER, settingRows, setupAsker, setupRows } from './setup-words.js';

const doneBy = (definition: ProviderDefinition): string =>
  setupMethodsOf(definition)[0]?.setup.doneBy ?? 'an administrator';

/** The page of a session whose tenant has no app yet: now, or by somebody who can. */
export const setupOfferPage = (session: ConnectSession, { definition }: SetupOffer): string =>
  pageLayout({
    title: `Set ${definition.name} up – ${askerOf(session) ?? 'Authpipe'}`,
    footer: SETUP_FOOTER,
    body: html`<main>
${marks(askerOf(session), definition.name)}
<h1>${definition.name} has to be set up first</h1>
<p><strong>${askerName(session)}</strong> connects to ${definition.name} through an app of your own organization. Making it takes about five minutes, once for the whole workspace, and ${doneBy(definition)}.</p>
<dl>${ownerRows(session)}</dl>
<form method="post" action="/connect/${session.id}/setup">
<div class="actions">
<button class="button primary">Set it up now</button>
<button class="button" name="then" value="forward">Get a link for the administrator</button>
<button class="button" formaction="/connect/${session.id}/cancel">Cancel</button>
</div>
</form>
</main>`,
  });

/** The page of a forwarded link. It has one button, because opening it must do nothing: mail scanners open links too. */
export const setupLinkPage = (setup: AppSetup, definition: ProviderDefinition, code: string): string =>
  pageLayout({
    title: `Set ${definition.name} up – ${setup.asker ?? 'Authpipe'}`,
    footer: SETUP_FOOTER,
    body: html`<main>
${marks(setup.asker, definition.name)}
<h1>Set ${definition.name} up</h1>
<p><strong>${setupAsker(setup)}</strong> asks you to make an app at ${definition.name} for this workspace. Go on only if you expect it. It takes about five minutes, and ${doneBy(definition)}.</p>
<dl>${setupRows(setup)}</dl>
<form method="post" action="/connect/setup/open"><input type="hidden" name="code" value="${code}">
<div class="actions"><button class="button primary">Continue</button></div></form>
</main>`,
  });

/** The way out for those who are not the administrator. */
export const forwardForm = ({ id }: AppSetup): Html =>
  html`<form method="post" action="/connect/setup/${id}/forward" class="aside">
<h2>Not your job?</h2>
<p class="soft small">Send it to an administrator. They go on where you are now, and need no account here.</p>
<button class="button">Get a link to send</button>
</form>`;

/** The first step: where the app will be. */
export const setupAddressPage = (
  setup: AppSetup,
  definition: ProviderDefinition,
  { typed, errors = [] }: { readonly typed?: Settings; readonly errors?: readonly FieldError[] } = {},
): string => {
  const faults = faultsOf(errors);
  const { given } = setup;
  const asks = Object.keys(definition.config).filter((name) => !Object.hasOwn(given, name));
  const fields = asks.map((name) =>
    configField(name, definition, (typed ?? setup.config)[name] ?? '', faults),
  );
  const heading = asks.length > 0 ? `Where is your ${definition.name}?` : `Set ${definition.name} up`;
  return pageLayout({
    title: `${errors.length > 0 ? 'Error: ' : ''}Set ${definition.name} up, step 1 of 2 – ${setup.asker ?? 'Authpipe'}`,
    footer: SETUP_FOOTER,
    body: html`<main>
${marks(setup.asker, definition.name)}
<p class="step">Step 1 of 2</p>
<h1>${heading}</h1>
${generalAlert(faults)}
<p><strong>${setupAsker(setup)}</strong> connects to ${definition.name} through an app of your own organization. You will make it in the next step.</p>
<dl>${setupRows(setup)}${settingRows(definition, given)}</dl>
<form method="post" action="/connect/setup/${setup.id}/address">
${fields}
<div class="actions"><button class="button primary">Continue</button></div>
</form>
${forwardForm(setup)}
</main>`,
  });
};

/** The link to send, shown once: it is kept by its hash alone. */
export const forwardedPage = (
  setup: AppSetup,
  definition: ProviderDefinition,
  { url, expiresAt }: SetupLink,
): string =>
  pageLayout({
    title: `A link to send – ${setup.asker ?? 'Authpipe'}`,
    withCopying: true,
    footer: SETUP_FOOTER,
    body: html`<main>
${marks(setup.asker, definition.name)}
<h1>Send this link to the administrator</h1>
<p>It works until ${expiresAt.toISOString().slice(0, 10)}, for this one set-up alone, and until that is done. Whoever has it can do it, so send it to nobody else. A link that you made before works no more.</p>
${copyField('setup-link', 'Link to the set-up', url)}
<div class="actions"><a class="button" href="/connect/setup/${setup.id}">I will do it myself</a></div>
<p class="soft small after">Once they are done, press the connect button in ${setup.asker ?? 'the app'} again.</p>
</main>`,
  });

/** The end. What no trial could see is said here, where it can still be done. */
export const setupDonePage = (
  setup: AppSetup,
  definition: ProviderDefinition,
  onwards: string | null,
): string => {
  const [first] = setupMethodsOf(definition);
  const next =
    onwards === null
      ? html`<p>You can close this window. People connect in ${setup.asker ?? 'the app'} from now on.</p>`
      : html`<div class="actions"><a class="button primary" href="${onwards}">Continue: connect ${definition.name}</a></div>`;
  return pageLayout({
    title: `${definition.name} is set up – ${setup.asker ?? 'Authpipe'}`,
    footer: SETUP_FOOTER,
    body: html`<main>
${outcomeMark('good')}
<h1>${definition.name} is set up</h1>
<p>The app was tried at ${definition.name}, and works. One thing shows only when somebody signs in:</p>
<p class="note">${first?.setup.assignment ?? ''}</p>
${next}
</main>`,
  });
};
