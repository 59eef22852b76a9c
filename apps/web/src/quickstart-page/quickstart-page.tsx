import type { ReactNode } from 'react';
import { CodeBlock } from '../code/code-block.js';
import type { Page } from '../site/page.js';
import { QUICKSTART_STEPS, type QuickstartStep } from './quickstart-steps.js';

/** `/docs`: from an OAuth app to the first credential, in four steps. */
export function quickstartPage(): Page {
  return {
    path: '/docs',
    title: 'Quickstart',
    description: 'From an OAuth app at the provider to the first credential in your backend, in four steps.',
    content: (
      <article className="wrap quickstart">
        <header className="hero">
          <h1>Quickstart</h1>
          <p className="lead">
            Four steps from an Okta app to a credential that stays fresh. Another OAuth provider differs only
            in its name and its settings.
          </p>
        </header>
        <ol className="steps">
          {QUICKSTART_STEPS.map((step, index) => (
            <Step key={step.title} step={step} id={`step-${index + 1}`} />
          ))}
        </ol>
        <section className="call" aria-labelledby="next">
          <h2 id="next">Which scopes, which settings?</h2>
          <p>Each provider’s page lists them. An error answer’s type leads to the page of its code.</p>
          <p className="actions">
            <a className="button button-primary" href="/providers">
              Browse providers
            </a>{' '}
            <a className="button" href="/docs/errors">
              Look up an error code
            </a>
          </p>
        </section>
      </article>
    ),
  };
}

function Step({ step, id }: { readonly step: QuickstartStep; readonly id: string }): ReactNode {
  return (
    <li className="step" aria-labelledby={id}>
      <h2 id={id}>{step.title}</h2>
      <p>{step.text}</p>
      <CodeBlock label={step.label} code={step.code} language={step.language} />
    </li>
  );
}
