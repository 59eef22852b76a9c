import type { ScopeDefinition } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import type { ConnectSession } from '../../connect/connect-session.js';
import {
  type ConnectOption,
  chosenScopes,
  isOAuthChoice,
  type Settings,
} from '../../connect/session-choices.js';
import type { ConnectionRecord } from '../../credentials/credential-record.js';
import { configField, fixedSettings } from './config-fields.js';
import { faultsOf, generalAlert, sessionAlert } from './form-field.js';
import { type Html, html } from './html.js';
import { marks, pageLayout, providerMark } from './page-layout.js';
import { askerName, askerOf, ownerRows } from './session-words.js';

/** What the hosted page of one provider shows. */
export interface ConsentView {
  readonly session: ConnectSession;
  readonly option: ConnectOption;
  /** The connection to be mended. */
  readonly reconnected: ConnectionRecord | null;
  /** What was typed before, and what is wrong with it. */
  readonly typed?: Settings;
  readonly errors?: readonly FieldError[];
}

const scopeLine = (name: string, known: readonly ScopeDefinition[]): Html => {
  const description = known.find((scope) => scope.name === name)?.description;
  return description === undefined
    ? html`<li>${name}</li>`
    : html`<li>${description} <code>${name}</code></li>`;
};

/** What is asked for, in the definition's words. */
const scopeList = (session: ConnectSession, { choices: [choice] }: ConnectOption): Html => {
  if (!isOAuthChoice(choice)) return html``;
  const { method } = choice;
  const names = chosenScopes(session, choice).filter((scope) => !method.impliedScopes.includes(scope));
  const lasting =
    method.impliedScopes.length > 0 ? html`<li>Stay connected until you or the app end it</li>` : null;
  return html`<h2>What it will be able to do</h2>
<ul class="scopes">${names.map((name) => scopeLine(name, method.scopes))}${lasting}</ul>`;
};

/** The page on which a person sees who asks for what, and goes on to the provider or not. */
export const consentPage = ({
  session,
  option,
  reconnected,
  typed = {},
  errors = [],
}: ConsentView): string => {
  const { definition } = option;
  const account = reconnected?.account?.email ?? reconnected?.account?.name;
  const faults = faultsOf(errors);
  const heading = `${reconnected ? 'Reconnect' : 'Connect'} ${definition.name}`;
  return pageLayout({
    title: `${heading} – ${askerOf(session) ?? 'Authpipe'}`,
    body: html`<main>
${marks(askerOf(session), definition.name)}
<h1>${heading}</h1>
${sessionAlert(session)}
${generalAlert(faults)}
<p><strong>${askerName(session)}</strong> asks for access to your ${definition.name} account.</p>
<dl>${ownerRows(session)}
${fixedSettings(option)}
${account === undefined ? null : html`<div><dt>Sign in as</dt><dd>${account}</dd></div>`}</dl>
${scopeList(session, option)}
<form method="post" action="/connect/${session.id}/start">
<input type="hidden" name="option" value="${option.id}">
${option.asks.map((name) => configField(name, option.definition, typed[name] ?? session.config[name] ?? '', faults))}
<div class="actions">
<button class="button primary">${session.error ? 'Try again: continue' : 'Continue'} to ${definition.name}</button>
<button class="button" formaction="/connect/${session.id}/cancel" formnovalidate>Cancel</button>
</div>
</form>
</main>`,
  });
};

const optionLine = (
  session: ConnectSession,
  { id, definition, asks, choices: [first] }: ConnectOption,
  options: readonly ConnectOption[],
): Html => {
  const hasSeveralKinds = options.some(
    ({ choices: [other] }) => other.integrationId === first.integrationId && other.method !== first.method,
  );
  const host = Object.entries(definition.config)
    .filter(([name, { kind }]) => kind === 'host' && !asks.includes(name))
    .map(([name]) => first.config[name] ?? '')
    .join(' ');
  const detail = [...(hasSeveralKinds ? [first.method.name] : []), host === '' ? definition.category : host];
  return html`<li><a class="option" href="/connect/${session.id}?option=${encodeURIComponent(id)}">${providerMark(definition.name)}<span><strong>${definition.name}</strong><span class="soft small">${detail.join(' · ')}</span></span></a></li>`;
};

/** The page for sessions that allow several integrations. */
export const choicePage = (session: ConnectSession, options: readonly ConnectOption[]): string =>
  pageLayout({
    title: `Choose what to connect – ${askerOf(session) ?? 'Authpipe'}`,
    body: html`<main>
${marks(askerOf(session), null)}
<h1>Choose what to connect</h1>
${sessionAlert(session)}
<p><strong>${askerName(session)}</strong> asks for access to one of your accounts.</p>
<dl>${ownerRows(session)}</dl>
<h2>Your account is at</h2>
<ul class="options">${options.map((option) => optionLine(session, option, options))}</ul>
<form method="post" action="/connect/${session.id}/cancel"><div class="actions"><button class="button">Cancel</button></div></form>
</main>`,
  });

/** The page of a mailed link. It has one button, because opening it must do nothing: mail scanners open links too. */
export const linkPage = (session: ConnectSession, code: string): string =>
  pageLayout({
    title: `Connect an account – ${askerOf(session) ?? 'Authpipe'}`,
    body: html`<main>
${marks(askerOf(session), null)}
<h1>Connect an account</h1>
<p><strong>${askerName(session)}</strong> sent you this link to connect an account. Go on only if you expect it: whatever you connect can be used by this workspace.</p>
<dl>${ownerRows(session)}</dl>
<form method="post" action="/connect/open"><input type="hidden" name="code" value="${code}">
<div class="actions"><button class="button primary">Continue</button></div></form>
</main>`,
  });
