import type { FieldError } from '@authpipe/types';
import type { ConnectSession } from '../../connect/connect-session.js';
import { isTypedChoice } from '../../connect/save-typed.js';
import type { ConnectOption, Settings } from '../../connect/session-choices.js';
import { typedFieldsOf } from '../../connect/typed-fields.js';
import type { ConnectionRecord } from '../../credentials/credential-record.js';
import { configField, fixedSettings } from './config-fields.js';
import { faultsOf, formField, generalAlert, sessionAlert } from './form-field.js';
import { type Html, html } from './html.js';
import { marks, pageLayout } from './page-layout.js';
import { askerName, askerOf, ownerRows } from './session-words.js';

/** What the hosted form shows. */
export interface TypedView {
  readonly session: ConnectSession;
  readonly option: ConnectOption;
  /** The connection to be mended. */
  readonly reconnected: ConnectionRecord | null;
  /** Settings that were typed before. */
  readonly typed?: Settings;
  /** The rest of what was typed before: of it only what the definition calls no secret is shown again. */
  readonly credential?: Settings;
  readonly errors?: readonly FieldError[];
}

/** Where people leave for to make a key, before they have one to paste. */
const whereToBegin = ({ choices: [{ method }] }: ConnectOption): Html => {
  const { description, helpUrl } = method;
  const help =
    helpUrl === undefined
      ? null
      : html` <a href="${helpUrl}" target="_blank" rel="noopener noreferrer">How to get one<span class="unseen"> (opens in a new tab)</span></a>`;
  return html`<p class="soft small">${description}${help}</p>`;
};

/** The page with the form on which a person types what a connection takes: a key, a pair, a client, a secret. */
export const typedPage = (view: TypedView): string => {
  const { session, option, reconnected, typed = {}, credential = {}, errors = [] } = view;
  const { definition } = option;
  const [choice] = option.choices;
  const fields = isTypedChoice(choice) ? typedFieldsOf(choice.method, choice.integration === null) : {};
  const faults = faultsOf(errors);
  const heading = `${reconnected ? 'Reconnect' : 'Connect'} ${definition.name}`;
  const failed = errors.length > 0 ? 'Error: ' : '';
  const settings = option.asks.map((name) =>
    configField(name, definition, typed[name] ?? session.config[name] ?? '', faults),
  );
  const inputs = Object.entries(fields).map(([name, field]) => {
    const value = field.secret ? '' : (credential[name] ?? '');
    const pointer = `/credential/${name}`;
    return formField({ name: `credential.${name}`, pointer, value, ...field }, faults);
  });
  return pageLayout({
    title: `${failed}${heading} – ${askerOf(session) ?? 'Authpipe'}`,
    footer:
      'What you type is checked with the provider, kept encrypted, and passed to nobody but the app that asks.',
    body: html`<main>
${marks(askerOf(session), definition.name)}
<h1>${heading}</h1>
${sessionAlert(session)}
${generalAlert(faults)}
<p><strong>${askerName(session)}</strong> asks for access to your ${definition.name} account.</p>
<dl>${ownerRows(session)}
${fixedSettings(option)}</dl>
<form method="post" action="/connect/${session.id}/save" class="typed">
<input type="hidden" name="option" value="${option.id}">
${whereToBegin(option)}
${settings}
${inputs}
<div class="actions">
<button class="button primary">Check and connect</button>
<button class="button" formaction="/connect/${session.id}/cancel" formnovalidate>Cancel</button>
</div>
</form>
</main>`,
  });
};
