import { html } from './html.js';
import { layout } from './layout.js';

/** Said where the org can't send the person back to the app: it does not trust the address. */
export function errorPage(error: string, description: string | undefined): string {
  return layout({
    title: 'Something is wrong with this request',
    body: html`<section class="card">
<h1>Something is wrong with this request</h1>
<p class="note bad">${description ?? 'The request could not be processed.'} <span class="mono">${error}</span></p>
<p class="quiet">Go back to the app you came from and start again. If it happens each time, check the app's client id and redirect URI.</p>
</section>`,
  });
}
