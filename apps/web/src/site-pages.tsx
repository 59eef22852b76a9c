import { providers } from '@authpipe/providers';
import { cataloguePage } from './catalogue-page/catalogue-page.js';
import { readErrorGuides } from './error-pages/error-guide.js';
import { errorPages } from './error-pages/error-pages.js';
import { landingPage } from './landing-page/landing-page.js';
import { providerPage } from './provider-page/provider-page.js';
import { quickstartPage } from './quickstart-page/quickstart-page.js';
import { missingPage } from './site/missing-page.js';
import type { Page } from './site/page.js';

/**
 * Every page of the site; no two have one path.
 * @param docsFolder the repository's `docs`, whose `errors` become pages
 */
export function sitePages(docsFolder: string): Page[] {
  return [
    landingPage(),
    quickstartPage(),
    ...errorPages(readErrorGuides(docsFolder)),
    cataloguePage(providers),
    ...providers.map(providerPage),
    missingPage(),
  ];
}
