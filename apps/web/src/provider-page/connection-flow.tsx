import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { CodeBlock } from '../code/code-block.js';
import { mainMethodOf } from '../main-method.js';
import { FlowPicture } from './flow-picture.js';
import { flowWords } from './flow-words.js';
import { nodeSnippet, reactSnippet } from './snippets.js';

/** The way from the app to the provider, as a picture, in words and in code. */
export function ConnectionFlow({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const words = flowWords(mainMethodOf(provider), provider.name);
  return (
    <section aria-labelledby="connection-flow">
      <h2 id="connection-flow">Connection Flow</h2>
      <figure className="flow">
        <FlowPicture providerId={provider.id} providerName={provider.name} words={words} />
        <figcaption>
          <ol className="flow-steps">
            {words.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </figcaption>
      </figure>
      <div className="snippets">
        <CodeBlock label="@authpipe/node" code={nodeSnippet(provider)} language="tsx" />
        <CodeBlock label="@authpipe/react" code={reactSnippet(provider)} language="tsx" />
      </div>
    </section>
  );
}
