import type { FieldError } from '@authpipe/types';
import type { ConnectSession } from '../../connect/connect-session.js';
import { type Html, html } from './html.js';

/** What is wrong with a form, as its page shows it. */
export interface Faults {
  /** Of the whole form, or of something that it has no field for. */
  readonly general: readonly string[];
  readonly of: (pointer: string) => string | undefined;
  /** The first field with a fault gets the focus: pointers in the order of the form's faults. */
  readonly first: string | undefined;
}

/** Sorts faults by the fields that they are shown beside. */
export const faultsOf = (errors: readonly FieldError[]): Faults => ({
  general: errors.filter(({ pointer }) => pointer === '').map(({ detail }) => detail),
  of: (pointer) => errors.find((error) => error.pointer === pointer)?.detail,
  first: errors.find(({ pointer }) => pointer !== '')?.pointer,
});

/** What is wrong with the form as a whole. */
export const generalAlert = ({ general }: Faults): Html[] =>
  general.map((detail) => html`<p class="alert" role="alert">${detail}</p>`);

/** What went wrong in the session before. */
export const sessionAlert = ({ error }: ConnectSession): Html | null =>
  error ? html`<p class="alert" role="alert">${error.detail}</p>` : null;

/** One field of a form. */
export interface FormField {
  readonly name: string;
  /** Where its faults point to. */
  readonly pointer: string;
  readonly label: string;
  readonly value: string;
  readonly example: string;
  readonly description?: string | undefined;
  readonly helpUrl?: string | undefined;
  readonly options?: readonly { readonly value: string; readonly label: string }[] | undefined;
  /** Typed unseen. Its value is never sent to the page. */
  readonly secret?: boolean;
}

/**
 * A field with its label, its fault and its hint, tied together for those who have pages read to them. The fault comes
 * first, and the first field that has one gets the focus: after a page has loaded anew, an alert alone may go unheard.
 */
export const formField = (field: FormField, faults: Faults): Html => {
  const { name, pointer, label, value, example, description, helpUrl, options, secret = false } = field;
  const fault = faults.of(pointer);
  const id = name.replaceAll('.', '-');
  const hasHint = description !== undefined || helpUrl !== undefined;
  const described = [...(fault === undefined ? [] : [`${id}-error`]), ...(hasHint ? [`${id}-hint`] : [])];
  const common = html`id="${id}" name="${name}" required aria-invalid="${fault === undefined ? 'false' : 'true'}"${
    described.length > 0 ? html` aria-describedby="${described.join(' ')}"` : null
  }${faults.first === pointer ? html` autofocus` : null}`;
  const control = options
    ? html`<select ${common}>${options.map((option) =>
        option.value === value
          ? html`<option value="${option.value}" selected>${option.label}</option>`
          : html`<option value="${option.value}">${option.label}</option>`,
      )}</select>`
    : html`<input ${common} type="${secret ? 'password' : 'text'}" value="${secret ? '' : value}"${
        example === '' ? null : html` placeholder="${example}"`
      } autocomplete="off" autocapitalize="none" spellcheck="false">`;
  const help =
    helpUrl === undefined
      ? null
      : html`<a href="${helpUrl}" target="_blank" rel="noopener noreferrer">Where do I find this?<span class="unseen"> (${label}, opens in a new tab)</span></a>`;
  return html`<div class="field"><label for="${id}">${label}</label>${control}
${fault === undefined ? null : html`<p class="error" id="${id}-error">${fault}</p>`}
${hasHint ? html`<p class="hint" id="${id}-hint">${description ?? ''} ${help}</p>` : null}</div>`;
};
