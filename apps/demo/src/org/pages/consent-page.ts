import type { OrgUser } from '../people.js';
import { SCOPE_DESCRIPTIONS } from '../scopes.js';
import { html } from './html.js';
import { layout, orgName } from './layout.js';

export interface ConsentPage {
  issuer: string;
  appName: string;
  action: string;
  user: OrgUser;
  /** What the app would get, after everything it was not granted is left out. */
  scopes: readonly string[];
}

export function consentPage({ issuer, appName, action, user, scopes }: ConsentPage): string {
  return layout({
    title: `Allow ${appName}?`,
    body: html`<section class="card">
${orgName(issuer)}
<h1>${appName} would like to access this org as you</h1>
<form method="post" action="${action}/switch" class="who">
<span class="quiet">Signed in as ${user.email}</span>
<button class="link">Use another account</button>
</form>
<p>It would be able to:</p>
<ul class="scopes">
${scopes.map(
  (scope) => html`<li>${SCOPE_DESCRIPTIONS[scope]} <code>${scope}</code></li>
`,
)}</ul>
<form method="post" action="${action}" class="row fill">
<button name="decision" value="cancel">Cancel</button>
<button class="primary" name="decision" value="allow">Allow access</button>
</form>
</section>`,
  });
}
