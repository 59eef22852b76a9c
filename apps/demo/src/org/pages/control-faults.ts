import { FAULT_KINDS, type FaultKind, type PendingFault, TOKEN_PATH } from '../faults.js';
import { button, card, post } from './control-parts.js';
import { type Html, html } from './html.js';

const KIND_NAMES: Readonly<Record<FaultKind, string>> = {
  rate_limit: 'answer 429, too many requests',
  server_error: 'answer 500',
  hang: 'hang',
  drop: 'drop the connection',
  drop_answer: 'do it, but lose the answer',
  deny: 'call every token dead',
};

const PATHS = [
  TOKEN_PATH,
  '/oauth2/v1/introspect',
  '/oauth2/v1/revoke',
  '/oauth2/v1/userinfo',
  '/api/v1',
  '/.well-known',
];

/** The part of the control page that makes the next calls fail. */
export function faultSection(faults: readonly PendingFault[], hungCalls: number): Html {
  const kinds = FAULT_KINDS.map((kind) => html`<option value="${kind}">${KIND_NAMES[kind]}</option>`);
  const paths = PATHS.map((path) => html`<option>${path}</option>`);
  const form = post(
    'faults/add',
    html`<div class="field"><label for="times">The next</label><input id="times" name="times" type="number" min="1" value="1"></div>
<div class="field broad"><label for="path">calls to</label><select id="path" name="path">${paths}</select></div>
<div class="field broad"><label for="kind">do this</label><select id="kind" name="kind">${kinds}</select></div>
<div class="field"><label for="hang">Hang for, ms</label><input id="hang" name="hangMillis" type="number" min="0" placeholder="until released"></div>
${button('Set')}`,
    {},
    'row',
  );
  const waiting = faults.map(
    ({ kind, path, remaining }) =>
      html`<li>${path}, ${remaining === 1 ? 'next call' : `next ${remaining} calls`}: ${KIND_NAMES[kind]}</li>`,
  );
  const state = html`<div class="item">${
    waiting.length > 0 ? html`<ul>${waiting}</ul>` : 'No fault is waiting.'
  }${hungCalls > 0 && html`<div>Calls hanging now: ${hungCalls}.</div>`}
<div class="row">${post('faults/clear', button('Clear faults'))}${post('faults/release', button('Release hanging calls'))}</div></div>`;
  return card('faults', 'Faults', 'The next calls on a path meet this instead of their answer.', [
    form,
    state,
  ]);
}
