import { type Html, html } from './html.js';

/** A form that does one action of the control and comes back. */
export function post(
  action: string,
  content: Html,
  fields: Readonly<Record<string, string>> = {},
  style = '',
): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" action="/control/api/${action}"${style && html` class="${style}"`}>${hidden}${content}</form>`;
}

/** @param accessibleName says what the button is about, where its words alone don't. */
export function button(words: string, kind: '' | 'danger' = '', accessibleName?: string): Html {
  return html`<button${kind && html` class="${kind}"`}${accessibleName && html` aria-label="${accessibleName}"`}>${words}</button>`;
}

export function card(id: string, heading: string, what: string, content: Html | readonly Html[]): Html {
  return html`<section class="card" id="${id}"><h2>${heading}</h2><p class="quiet">${what}</p><div class="stack">${content}</div></section>`;
}
