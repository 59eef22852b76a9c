import { renderToStaticMarkup } from 'react-dom/server';
import type { AssetPaths } from './asset-paths.js';
import type { Page } from './page.js';
import { SiteFooter } from './site-footer.js';
import { SiteHeader } from './site-header.js';

const SITE_NAME = 'Authpipe';

/**
 * A whole HTML document for a page. It holds no inline script or style, so a Content-Security-Policy of
 * `default-src 'self'` is enough for it.
 */
export function renderDocument(page: Page, assets: AssetPaths): string {
  const title = page.title === SITE_NAME ? SITE_NAME : `${page.title} · ${SITE_NAME}`;
  const markup = renderToStaticMarkup(
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <meta name="description" content={page.description} />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#0c1013" media="(prefers-color-scheme: dark)" />
        <meta property="og:type" content="website" />
        <meta property="og:site_name" content={SITE_NAME} />
        <meta property="og:title" content={title} />
        <meta property="og:description" content={page.description} />
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.stylesheet} />
        <script type="module" src={assets.script} />
      </head>
      <body>
        <a className="skip-link" href="#content">
          Skip to content
        </a>
        <SiteHeader path={page.path} />
        <main id="content" tabIndex={-1}>
          {page.content}
        </main>
        <SiteFooter />
        <div className="visually-hidden" role="status" aria-live="polite" data-announcer="" />
      </body>
    </html>,
  );
  return `<!doctype html>\n${markup}\n`;
}
