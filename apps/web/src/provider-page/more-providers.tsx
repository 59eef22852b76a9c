import { type ProviderDefinition, providersInCategory } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { ProviderCard } from '../site/provider-card.js';

/** The others on the same shelf; nothing where there is none. */
export function MoreProviders({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const others = providersInCategory(provider.category).filter(({ id }) => id !== provider.id);
  if (others.length === 0) return null;
  return (
    <section aria-labelledby="more">
      <h2 id="more">More {provider.category} providers</h2>
      <ul className="cards">
        {others.map((other) => (
          <ProviderCard key={other.id} provider={other} />
        ))}
      </ul>
    </section>
  );
}
