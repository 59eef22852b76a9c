import { fillUrl, type ProviderDefinition } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import {
  type AppSetup,
  type SetupMethod,
  setupMethodsOf,
  setupScopes,
} from '../../connect/app-setup/app-setup.js';
import { appFields, type SetupTrial } from '../../connect/app-setup/check-setup.js';
import type { Settings } from '../../connect/session-choices.js';
import type { PreflightFinding, PreflightStep } from '../../oauth/oauth.js';
import { copyField } from './copy-field.js';
import { faultsOf, formField, generalAlert } from './form-field.js';
import { type Html, html } from './html.js';
import { marks, pageLayout } from './page-layout.js';
import { forwardForm } from './setup-pages.js';
import { SETUP_FOOTER, settingRows } from './setup-words.js';

/** What the guide shows. */
export interface SetupGuide {
  readonly setup: AppSetup;
  readonly definition: ProviderDefinition;
  /** The way that was picked; the best one unless told. */
  readonly methodId: string | null;
  readonly redirectUri: string;
  readonly keySetUrl: string;
  readonly allowLoopback: boolean;
  /** How the last trial went. */
  readonly trial?: SetupTrial;
  /** Of what was typed only what is no secret is shown again. */
  readonly credential?: Settings;
  readonly errors?: readonly FieldError[];
}

const STEP_NAMES: Readonly<Record<PreflightStep, string>> = {
  address: 'Address',
  client: 'Client ID and what proves it',
  grant_types: 'Grant types',
  redirect_uri: 'Redirect URI',
  scopes: 'Scopes',
};

const SIGNS = { ok: '✓', missing: '✗', unknown: '–' } as const;
const WORDS = { ok: 'right', missing: 'to be mended', unknown: 'not known' } as const;

const whatToDo = (step: PreflightStep, { setup }: SetupMethod): string => {
  const texts: Partial<Record<PreflightStep, string>> = {
    client: setup.proof,
    grant_types: setup.grantTypes,
    redirect_uri: setup.redirectUri,
    scopes: setup.scopes,
  };
  return texts[step] ?? '';
};

const findingLine = ({ step, result, detail }: PreflightFinding, method: SetupMethod): Html =>
  html`<li class="finding ${result}"><span class="sign" aria-hidden="true">${SIGNS[result]}</span><div><strong>${STEP_NAMES[step]}: ${WORDS[result]}</strong>${
    result === 'missing'
      ? html`<span class="small">${detail === undefined ? '' : `${detail} `}${whatToDo(step, method)}</span>`
      : null
  }</div></li>`;

/** What the trial found, first thing on the page and read out. */
const trialReport = ({ findings }: SetupTrial, definition: ProviderDefinition, method: SetupMethod): Html => {
  const isMissing = findings.some(({ result }) => result === 'missing');
  const words = isMissing
    ? 'Not saved yet: something is missing'
    : `Not saved: ${definition.name} gave no clear answer. Try again in a minute.`;
  return html`<section class="alert findings" role="alert" tabindex="-1" autofocus><p><strong>${words}</strong></p>
<ul>${findings.map((finding) => findingLine(finding, method))}</ul></section>`;
};

const otherWays = ({ setup: { id } }: SetupGuide, picked: SetupMethod, all: readonly SetupMethod[]): Html[] =>
  all
    .filter((method) => method !== picked)
    .map((method) => {
      const signs = method.clientAuthentication === 'private_key_jwt';
      const words = signs
        ? 'Use a key instead: nothing secret has to be copied'
        : 'Use a client secret instead';
      return html`<p class="small way"><a href="/connect/setup/${id}?with=${encodeURIComponent(method.id)}">${words}</a></p>`;
    });

const guideSteps = (guide: SetupGuide, method: SetupMethod): Html => {
  const { setup, redirectUri, keySetUrl, allowLoopback } = guide;
  const { setup: words } = method;
  const signs = method.clientAuthentication === 'private_key_jwt';
  const granted = setupScopes(setup, method).filter((scope) => scope.startsWith(words.grantedScopePrefix));
  const console = fillUrl(words.consoleUrl, setup.config, { allowLoopback });
  const [first = '', ...rest] = words.create;
  const known = (name: string) => method.scopes.find((scope) => scope.name === name)?.description;
  return html`<ol class="steps">
<li>${first} <a href="${console}" target="_blank" rel="noopener noreferrer">Open it<span class="unseen"> (in a new tab)</span></a></li>
${rest.map((step) => html`<li>${step}</li>`)}
<li>${words.grantTypes}</li>
<li>${words.redirectUri}${copyField('redirect-uri', 'Redirect URI', redirectUri)}</li>
<li>${words.proof}${signs ? copyField('key-set-url', 'Key set URL', keySetUrl) : null}</li>
${
  granted.length === 0
    ? null
    : html`<li>${words.scopes}<ul class="granted">${granted.map((name) => html`<li><code>${name}</code> <span class="soft small">${known(name) ?? ''}</span></li>`)}</ul></li>`
}
<li>${words.assignment}</li>
</ol>`;
};

/** The second step: which app to make, what to put where, and the form that tries it. */
export const setupGuidePage = (guide: SetupGuide): string => {
  const { setup, definition, methodId, trial, credential = {}, errors = [] } = guide;
  const methods = setupMethodsOf(definition);
  const method = methods.find(({ id }) => id === methodId) ?? methods[0];
  if (!method) throw new TypeError('a set-up of a provider whose app nobody makes');
  const faults = faultsOf(errors);
  const hasFailed = errors.length > 0 || trial !== undefined;
  const fields = Object.entries(appFields(method)).map(([name, field]) => {
    const value = field.secret ? '' : (credential[name] ?? '');
    const pointer = `/credential/${name}`;
    return formField({ name: `credential.${name}`, pointer, value, ...field }, faults);
  });
  const isFixed = Object.keys(definition.config).every((name) => Object.hasOwn(setup.given, name));
  return pageLayout({
    title: `${hasFailed ? 'Error: ' : ''}Set ${definition.name} up, step 2 of 2 – ${setup.asker ?? 'Authpipe'}`,
    withCopying: true,
    footer: SETUP_FOOTER,
    body: html`<main class="wide">
${marks(setup.asker, definition.name)}
<p class="step">Step 2 of 2</p>
<h1>Make the app at ${definition.name}</h1>
${trial ? trialReport(trial, definition, method) : null}
${generalAlert(faults)}
<dl>${settingRows(definition, setup.config)}</dl>
${isFixed ? null : html`<p class="small way"><a href="/connect/setup/${setup.id}?edit=address">Change where it is</a></p>`}
${guideSteps(guide, method)}
<form method="post" action="/connect/setup/${setup.id}/try">
<input type="hidden" name="method" value="${method.id}">
<h2>Then type here what the app is known by</h2>
${fields}
<div class="actions"><button class="button primary">Try it and save</button></div>
</form>
${otherWays(guide, method, methods)}
${forwardForm(setup)}
</main>`,
  });
};
