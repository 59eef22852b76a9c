import { Html, html } from './html.js';
import { STYLE } from './style.js';

/** What a page is made of. `wide` is for the control page; the others are one card in the middle. */
export interface PageParts {
  title: string;
  body: Html;
  wide?: boolean;
  extraStyle?: string;
}

/** A whole page, with the banner that says on every one of them that this is no real Okta. */
export function layout({ title, body, wide = false, extraStyle = '' }: PageParts): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${title} · Sandbox Okta org</title>
<link rel="icon" href="data:,">
<style>${new Html(STYLE + extraStyle)}</style>
</head>
<body>
<div class="banner" role="note"><strong>Sandbox Okta org</strong> <span>A stand-in for tests. It is not Okta, and nothing here is real.</span></div>
<main${wide ? html` class="wide"` : ''}>
${body}
</main>
</body>
</html>
`;
  return page.source;
}

/** The name of the org, above a card's heading. */
export function orgName(issuer: string): Html {
  return html`<div class="org"><span class="mark" aria-hidden="true"></span><span>Acme · ${new URL(issuer).host}</span></div>`;
}
