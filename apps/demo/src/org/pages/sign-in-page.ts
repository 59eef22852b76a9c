import { ADMIN_ROLE_NAMES, type OrgUser, SANDBOX_PASSWORD } from '../people.js';
import { html } from './html.js';
import { layout, orgName } from './layout.js';

export interface SignInPage {
  issuer: string;
  appName: string;
  /** Where the forms are posted. */
  action: string;
  people: readonly OrgUser[];
  /** What the username field starts with. */
  username?: string;
  /** Why the last try failed. */
  problem?: string;
}

export function signInPage({ issuer, appName, action, people, username, problem }: SignInPage): string {
  return layout({
    title: 'Sign in',
    body: html`<section class="card">
${orgName(issuer)}
<h1>Sign in</h1>
<p class="quiet">to continue to ${appName}</p>
${problem && html`<p class="note bad" role="alert">${problem}</p>`}
<form method="post" action="${action}" class="people" aria-label="Sign in with one click">
${people.map(
  (person) => html`<button class="person" name="person" value="${person.email}">
<span class="initials" aria-hidden="true">${person.firstName.charAt(0)}${person.lastName.charAt(0)}</span>
<span><b>${person.firstName} ${person.lastName}</b> <small>${person.email}</small></span>
<span class="role">${person.status === 'ACTIVE' ? ADMIN_ROLE_NAMES[person.adminRole] : person.status.toLowerCase()}</span>
</button>
`,
)}</form>
<p class="or">or type it, as a person would</p>
<form method="post" action="${action}" aria-label="Sign in with a password">
<div class="field"><label for="username">Username</label>
<input id="username" name="username" type="email" autocomplete="username" required value="${username ?? ''}"></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required aria-describedby="password-hint"></div>
<p class="quiet" id="password-hint">Everybody's password is <code class="mono">${SANDBOX_PASSWORD}</code>.</p>
<button class="primary wide-button" name="sign-in" value="yes">Sign in</button>
</form>
</section>`,
  });
}
