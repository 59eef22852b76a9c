import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../main-method.js';
import { ProviderMark } from '../site/provider-mark.js';

/** The head of a provider's page: where the reader is, what it is, and what it is for. */
export function ProviderHero({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const method = mainMethodOf(provider);
  return (
    <header className="hero">
      <nav aria-label="Breadcrumb">
        <ol className="breadcrumb">
          <li>
            <a href="/providers">Providers</a>
          </li>
          <li aria-current="page">{provider.name}</li>
        </ol>
      </nav>
      <div className="hero-body">
        <ProviderMark id={provider.id} size={72} />
        <div>
          <ul className="badges" aria-label="Category and auth model">
            <li className="badge">{provider.category}</li>{' '}
            <li className="badge badge-accent">{method.name}</li>
          </ul>
          <h1>{provider.name}</h1>
          <p className="lead">{provider.description}</p>
        </div>
      </div>
    </header>
  );
}
