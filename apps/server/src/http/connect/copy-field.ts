import { type Html, html } from './html.js';

/** A value to be copied: into a field, so that it can be selected without a script, with a button where scripts run. */
export const copyField = (id: string, label: string, value: string): Html =>
  html`<div class="field copy"><label for="${id}">${label}</label>
<div class="copied"><input id="${id}" type="text" readonly value="${value}" spellcheck="false"><button class="button" type="button" data-copy="${id}" aria-label="Copy ${label}" hidden>Copy</button></div></div>`;
