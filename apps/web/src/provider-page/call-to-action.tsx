import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';

/** The page's last word: start now. */
export function CallToAction({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  return (
    <section className="call" aria-labelledby="call">
      <h2 id="call">Ready to connect {provider.name}?</h2>
      <p>Get your first 100 connections free. Set up in minutes with our SDK.</p>
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
