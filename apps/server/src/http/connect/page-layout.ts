import { type Html, html } from './html.js';

/** Where the pages' own files are. */
export const ASSETS = {
  style: '/connect/assets/connect.css',
  script: '/connect/assets/complete.js',
  copy: '/connect/assets/copy.js',
} as const;

/** What a page is made of. */
export interface PageParts {
  /** Of the window; the page's one heading is in `body`. */
  readonly title: string;
  readonly body: Html;
  /** Whether the completion script runs. */
  readonly withScript?: boolean;
  /** Whether the copy buttons' script runs. */
  readonly withCopying?: boolean;
  /** What is said of the safekeeping. Default: of a sign-in at the provider. */
  readonly footer?: string;
}

const SIGN_IN_FOOTER =
  'Authpipe keeps the access encrypted, and passes it to nobody but the app that asks. Your password stays with the provider.';

/**
 * A whole page. The referrer policy of the header says `no-referrer`; here it is `same-origin`, which tells other origins
 * as little, but lets the page's own forms name the origin that they come from.
 * @see https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
export const pageLayout = ({
  title,
  body,
  withScript = false,
  withCopying = false,
  footer = SIGN_IN_FOOTER,
}: PageParts): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ASSETS.style}">
${withScript ? html`<script src="${ASSETS.script}" defer></script>` : null}
${withCopying ? html`<script src="${ASSETS.copy}" defer></script>` : null}
</head>
<body>
${body}
<footer>${footer}</footer>
</body>
</html>
`.toString();

const ICONS = {
  link: html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 8 3 12l4 4M17 8l4 4-4 4M3 12h18"/></svg>`,
  good: html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m5 13 4 4L19 7"/></svg>`,
  bad: html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 7v6M12 17h.01"/></svg>`,
} as const;

const initial = (name: string): string => [...name][0] ?? '?';

/** The first letter of a provider's name, as its mark. */
export const providerMark = (name: string): Html =>
  html`<span class="mark provider" aria-hidden="true">${initial(name)}</span>`;

/** Who asks and who is asked, side by side. */
export const marks = (asker: string | null, provider: string | null): Html =>
  html`<div class="marks" aria-hidden="true"><span class="mark">${initial(asker ?? 'app')}</span><span class="link">${ICONS.link}</span>${provider === null ? html`<span class="mark provider">?</span>` : providerMark(provider)}</div>`;

/** How it went, in a sign. */
export const outcomeMark = (kind: 'good' | 'bad'): Html =>
  html`<div class="marks" aria-hidden="true"><span class="mark ${kind}">${ICONS[kind]}</span></div>`;
