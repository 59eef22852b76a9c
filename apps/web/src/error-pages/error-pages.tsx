import type { Page } from '../site/page.js';
import type { ErrorGuide } from './error-guide.js';
import { Markdown } from './markdown.js';

const INDEX_PATH = '/docs/errors';

/** Address of the page of a code, which is what a problem's `type` leads to. */
const pathOf = ({ code }: ErrorGuide): string => `${INDEX_PATH}/${code}`;

/** `/docs/errors` and a page for each guide. */
export function errorPages(guides: readonly ErrorGuide[]): Page[] {
  return [indexPage(guides), ...guides.map(guidePage)];
}

function indexPage(guides: readonly ErrorGuide[]): Page {
  return {
    path: INDEX_PATH,
    title: 'Error codes',
    description: 'Every error code of Authpipe: what each one means, why it happens and what to do about it.',
    content: (
      <article className="wrap">
        <header className="hero">
          <nav aria-label="Breadcrumb">
            <ol className="breadcrumb">
              <li>
                <a href="/docs">Docs</a>
              </li>
              <li aria-current="page">Error codes</li>
            </ol>
          </nav>
          <h1>Error codes</h1>
          <p className="lead">
            Each error answer has a code, and a type that leads to the code’s page here: why it happens and
            what to do.
          </p>
        </header>
        <dl className="error-codes">
          {guides.map((guide) => (
            <div key={guide.code}>
              <dt>
                <a href={pathOf(guide)}>
                  <code>{guide.code}</code>
                </a>
              </dt>
              <dd>{guide.summary}</dd>
            </div>
          ))}
        </dl>
      </article>
    ),
  };
}

function guidePage(guide: ErrorGuide): Page {
  const { code, summary, body } = guide;
  return {
    path: pathOf(guide),
    title: code,
    description: `${summary} Why an answer has the code ${code}, and what to do.`,
    content: (
      <article className="wrap">
        <header className="hero error-hero">
          <nav aria-label="Breadcrumb">
            <ol className="breadcrumb">
              <li>
                <a href="/docs">Docs</a>
              </li>
              <li>
                <a href={INDEX_PATH}>Error codes</a>
              </li>
              <li aria-current="page">{code}</li>
            </ol>
          </nav>
          <h1>
            <code>{code}</code>
          </h1>
          <p className="lead">{summary}</p>
        </header>
        <div className="prose">
          <Markdown tokens={body} />
        </div>
      </article>
    ),
  };
}
