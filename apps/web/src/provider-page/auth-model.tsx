import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../main-method.js';
import { authFacts } from './auth-facts.js';

/** How the provider lets a product in: the method in words, and its facts beside them. */
export function AuthModel({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const method = mainMethodOf(provider);
  return (
    <section aria-labelledby="auth-model">
      <h2 id="auth-model">Auth Model</h2>
      <div className="auth-model">
        <div className="auth-model-words">
          <h3>{method.name}</h3>
          <p>{method.description}</p>
          {method.helpUrl && (
            <p>
              <a href={method.helpUrl} rel="noopener">
                Where to set it up at {provider.name}
              </a>
            </p>
          )}
        </div>
        <dl className="facts">
          {authFacts(provider).map(({ name, value }) => (
            <div key={`${name} ${value}`}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}
