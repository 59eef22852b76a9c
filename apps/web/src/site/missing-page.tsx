import type { Page } from './page.js';

/** What a browser gets, with status 404, where there is no page: `404.html`, the name that static hosts know too. */
export function missingPage(): Page {
  return {
    path: '/404',
    file: '404.html',
    title: 'Page not found',
    description: 'There is no page at this address. The catalogue of providers and the docs lead on.',
    content: (
      <div className="wrap">
        <header className="hero">
          <h1>There is no page here</h1>
          <p className="lead">The address may be misspelt, or the page may have gone.</p>
          <p className="actions">
            <a className="button button-primary" href="/providers">
              Browse providers
            </a>{' '}
            <a className="button" href="/docs">
              Read the docs
            </a>
          </p>
        </header>
      </div>
    ),
  };
}
