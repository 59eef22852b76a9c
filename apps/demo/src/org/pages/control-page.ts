import type { OrgCounters } from '../counters.js';
import type { PendingFault } from '../faults.js';
import type { OrgGrant } from '../grants.js';
import { ADMIN_ROLE_NAMES, type OrgUser } from '../people.js';
import type { TokenSettings } from '../settings.js';
import { faultSection } from './control-faults.js';
import { button, card, post } from './control-parts.js';
import { type Html, html } from './html.js';
import { layout } from './layout.js';
import { CONTROL_STYLE } from './style.js';

/** What the control page shows, and `GET /control/api/state` tells. */
export interface ControlView {
  issuer: string;
  /** The org's time. */
  now: Date;
  people: readonly OrgUser[];
  grants: readonly OrgGrant[];
  settings: TokenSettings;
  apps: readonly { clientId: string; name: string; active: boolean; secretBroken: boolean }[];
  faults: readonly PendingFault[];
  hungCalls: number;
  counters: OrgCounters;
  /** What was just done. */
  done?: string;
  /** Why it wasn't. */
  problem?: string;
}

export function controlPage(view: ControlView): string {
  return layout({
    title: 'Control',
    wide: true,
    extraStyle: CONTROL_STYLE,
    body: html`<div class="head"><div><h1>Control of this org</h1>
<p class="quiet">Make the org misbehave, and watch what your app does. Everything here is also a JSON <span class="mono">POST</span> below <span class="mono">${view.issuer}/control/api</span>.</p></div>
${post('reset', button('Reset everything', 'danger'))}</div>
${view.done && html`<p class="note good" role="status">${view.done}</p>`}
${view.problem && html`<p class="note bad" role="alert">${view.problem}</p>`}
${grantSection(view.grants)}
<div class="columns">
${peopleSection(view.people)}
${faultSection(view.faults, view.hungCalls)}
${tokenSection(view.settings)}
${clockSection(view.now)}
${appSection(view.apps)}
</div>
${counterSection(view.counters)}`,
  });
}

function grantSection(grants: readonly OrgGrant[]): Html {
  const what = html`What people allowed apps to do. Revoking one is what an admin or the person does at Okta: refresh tokens and access tokens end at once.`;
  const items = grants.map(
    (grant) => html`<div class="item">
<div class="row middle"><b>${grant.userEmail}</b> <span class="quiet">since ${time(grant.createdAtSeconds)}${
      grant.refreshTokenEndsAtSeconds === undefined
        ? ', no refresh token'
        : html`, ends ${time(grant.refreshTokenEndsAtSeconds)}`
    }</span></div>
<div class="mono">${grant.scopes.join(' ')}</div>
<div class="row">${post('grants/revoke', button('Revoke', 'danger', `Revoke the grant of ${grant.userEmail}`), { grantId: grant.id })}</div>
</div>`,
  );
  const all = html`<div class="item row">${post('grants/revoke', button('Revoke all', 'danger'), { all: 'true' })}
${post('grants/end-access-tokens', button('End all access tokens'))}</div>`;
  return html`<div class="full card" id="grants"><h2>Grants</h2><p class="quiet">${what}</p><div class="stack">
${items.length > 0 ? [...items, all] : html`<p class="item">No app has access.</p>`}
</div></div>`;
}

function peopleSection(people: readonly OrgUser[]): Html {
  const items = people.map((person) => {
    const name = `${person.firstName} ${person.lastName}`;
    const user = { user: person.email };
    const isActive = person.status === 'ACTIVE';
    const options = Object.entries(ADMIN_ROLE_NAMES).map(
      ([role, label]) =>
        html`<option value="${role}"${role === person.adminRole ? html` selected` : ''}>${label}</option>`,
    );
    return html`<div class="item">
<div class="row middle"><b>${name}</b> <span class="state ${isActive ? 'good' : 'bad'}">${person.status.toLowerCase()}</span></div>
<div class="mono">${person.email}</div>
${post(
  'people/role',
  html`<div class="field"><select name="adminRole" aria-label="Admin role of ${name}">${options}</select></div>${button('Set role', '', `Set the role of ${name}`)}`,
  user,
  'row',
)}
<div class="row">${
      isActive
        ? [
            post('people/suspend', button('Suspend', 'danger', `Suspend ${name}`), user),
            post('people/deactivate', button('Deactivate', 'danger', `Deactivate ${name}`), user),
          ]
        : post('people/reactivate', button('Reactivate', '', `Reactivate ${name}`), user)
    }</div>
</div>`;
  });
  const what =
    'Suspending or deactivating somebody revokes their grants and refuses their sign-in. Losing an admin role leaves tokens good, but the API answers 403 E0000006.';
  return card('people', 'People', what, items);
}

function tokenSection({ accessTokenLifetimeSeconds, rotation, graceSeconds }: TokenSettings): Html {
  const modes = ['STATIC', 'ROTATE'].map(
    (mode) => html`<option${mode === rotation ? html` selected` : ''}>${mode}</option>`,
  );
  const form = post(
    'tokens/settings',
    html`<div class="field"><label for="lifetime">Access token, seconds</label><input id="lifetime" name="accessTokenLifetimeSeconds" type="number" min="1" value="${accessTokenLifetimeSeconds}"></div>
<div class="field"><label for="rotation">Refresh token</label><select id="rotation" name="rotation">${modes}</select></div>
<div class="field"><label for="grace">Grace, seconds</label><input id="grace" name="graceSeconds" type="number" min="0" max="60" value="${graceSeconds}"></div>
${button('Save')}`,
    {},
    'row',
  );
  const what =
    'ROTATE replaces the refresh token on each use; the old one works for the grace, and using it later revokes the whole family. Holds for tokens issued from now on.';
  return card('tokens', 'Tokens', what, form);
}

function clockSection(now: Date): Html {
  const moves: readonly [string, number][] = [
    ['+1 hour', 3600],
    ['+1 day', 86_400],
    ['+89 days', 89 * 86_400],
    ['+90 days', 90 * 86_400],
  ];
  const buttons = moves.map(([label, seconds]) =>
    post('clock/move', button(label, '', `Move the clock by ${label}`), { seconds: String(seconds) }),
  );
  const what =
    'Moves this org’s time forward, and nobody else’s. Access tokens end after their life, refresh tokens 90 days after the person signed in, however often they were refreshed.';
  return card(
    'clock',
    'Clock',
    what,
    html`<p>It is ${now.toISOString().slice(0, 16).replace('T', ' ')} UTC here.</p><div class="row">${buttons}</div>`,
  );
}

function appSection(apps: ControlView['apps']): Html {
  const items = apps.map(({ clientId, name, active, secretBroken }) => {
    const fields = { clientId };
    return html`<div class="item">
<div class="row middle"><b>${name}</b> <span class="state ${active ? 'good' : 'bad'}">${active ? 'active' : 'deactivated'}</span>
${secretBroken && html`<span class="state bad">secret broken</span>`}</div>
<div class="mono">${clientId}</div>
<div class="row">${
      secretBroken
        ? post('apps/restore-secret', button('Restore the secret'), fields)
        : post('apps/break-secret', button('Break the secret', 'danger'), fields)
    }
${active ? post('apps/deactivate', button('Deactivate', 'danger', `Deactivate the app ${name}`), fields) : post('apps/reactivate', button('Reactivate', '', `Reactivate the app ${name}`), fields)}</div>
</div>`;
  });
  const what =
    'A broken secret is what your app meets after an admin made a new one: 401 invalid_client, grants untouched. Deactivating the app also revokes its grants.';
  return card('apps', 'App', what, items);
}

function counterSection(counters: OrgCounters): Html {
  const entries = Object.entries(counters).map(
    ([name, count]) =>
      html`<div><dt>${name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)}</dt><dd>${Number(count)}</dd></div>`,
  );
  return html`<div class="full card" id="counters"><div class="head"><div><h2>Counters</h2><p class="quiet">What the org has been asked.</p></div>${post('counters/reset', button('Count from zero'))}</div>
<dl class="counters">${entries}</dl></div>`;
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
