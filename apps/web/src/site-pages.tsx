import { providers } from '@authpipe/providers';
import { cataloguePage } from './catalogue-page/catalogue-page.js';
import { landingPage } from './landing-page/landing-page.js';
import { providerPage } from './provider-page/provider-page.js';
import { quickstartPage } from './quickstart-page/quickstart-page.js';
import type { Page } from './site/page.js';

/** Every page of the site; no two have one path. */
export function sitePages(): Page[] {
  return [landingPage(), quickstartPage(), cataloguePage(providers), ...providers.map(providerPage)];
}
