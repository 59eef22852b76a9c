import type { ProviderCategory, ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import type { Page } from '../site/page.js';
import { ProviderCard } from '../site/provider-card.js';
import { ProviderSearch } from './provider-search.js';

/** The catalogue, `/providers`: all providers by category, in the order given. */
export function cataloguePage(providers: readonly ProviderDefinition[]): Page {
  return {
    path: '/providers',
    title: 'Providers',
    description: 'The providers that Authpipe knows, by category, with how each one lets your product in.',
    content: (
      <div className="wrap">
        <header className="hero catalogue-hero">
          <h1>Providers</h1>
          <p className="lead">
            How each one lets your product in, which permissions it knows and when its tokens end.
          </p>
          <ProviderSearch />
        </header>
        {[...new Set(providers.map(({ category }) => category))].map((category) => (
          <CategoryShelf
            key={category}
            category={category}
            providers={providers.filter((provider) => provider.category === category)}
          />
        ))}
      </div>
    ),
  };
}

function CategoryShelf(props: {
  readonly category: ProviderCategory;
  readonly providers: readonly ProviderDefinition[];
}): ReactNode {
  const headingId = `category-${props.category.toLowerCase().replaceAll(' ', '-')}`;
  return (
    <section className="shelf" aria-labelledby={headingId} data-category={props.category}>
      <h2 id={headingId}>{props.category}</h2>
      <ul className="cards">
        {props.providers.map((provider) => (
          <ProviderCard key={provider.id} provider={provider} />
        ))}
      </ul>
    </section>
  );
}
