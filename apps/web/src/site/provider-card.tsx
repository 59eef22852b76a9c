import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../main-method.js';
import { ProviderMark } from './provider-mark.js';

/** A list item that leads to a provider's page. `data-provider` is what the catalogue's filter looks for. */
export function ProviderCard({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const method = mainMethodOf(provider);
  return (
    <li className="card" data-provider={provider.id}>
      <ProviderMark id={provider.id} size={44} />
      <h3>
        <a className="card-link" href={`/providers/${provider.id}`}>
          {provider.name}
        </a>
      </h3>
      <p className="card-text">{provider.description}</p>
      <p className="card-facts">
        <span className="badge">{method.name}</span>
      </p>
    </li>
  );
}
