import { type ProviderDefinition, providersInCategory } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { isConnectable, mainMethodOf } from '../availability.js';

/** The page's last word: start now, or, where the provider can't be connected yet, what can. */
export function CallToAction({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  return (
    <section className="call" aria-labelledby="call">
      {isConnectable(mainMethodOf(provider)) ? (
        <>
          <h2 id="call">Ready to connect {provider.name}?</h2>
          <p>Get your first 100 connections free. Set up in minutes with our SDK.</p>
        </>
      ) : (
        <>
          <h2 id="call">{provider.name} comes later</h2>
          <p>{connectableToday(provider)}</p>
        </>
      )}
      <p className="actions">
        <a className="button button-primary" href="/docs">
          Read the quickstart
        </a>{' '}
        <a className="button" href="/providers">
          See all providers
        </a>
      </p>
    </section>
  );
}

/** Names what the same shelf has to offer now. */
function connectableToday(provider: ProviderDefinition): string {
  const names = providersInCategory(provider.category)
    .filter((other) => isConnectable(mainMethodOf(other)))
    .map(({ name }) => name);
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(names);
  return names.length === 0 ? 'The quickstart shows what connects today.' : `Connect ${list} today.`;
}
