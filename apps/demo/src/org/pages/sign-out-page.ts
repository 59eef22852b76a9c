import { Html, html } from './html.js';
import { layout } from './layout.js';

/** Asks whether to sign out. @param form the authorization server's own form, with the id `op.logoutForm`. */
export function logoutPage(form: string): string {
  return layout({
    title: 'Sign out',
    body: html`<section class="card">
<h1>Sign out of this org?</h1>
<p class="quiet">Apps you have connected keep their access.</p>
${new Html(form)}
<div class="row fill">
<button class="primary" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button form="op.logoutForm">Stay signed in</button>
</div>
</section>`,
  });
}

export function signedOutPage(): string {
  return layout({
    title: 'Signed out',
    body: html`<section class="card"><h1>You are signed out</h1><p class="quiet">You can close this page.</p></section>`,
  });
}
