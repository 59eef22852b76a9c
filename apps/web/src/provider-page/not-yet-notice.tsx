import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../availability.js';

/** Says, before anything else, that people can't connect this provider yet, and what the rest of the page is. */
export function NotYetNotice({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  return (
    <aside className="notice" aria-labelledby="not-yet">
      <h2 id="not-yet">Not connectable yet</h2>
      <p>
        The catalogue knows how {provider.name} lets programs in. The connect button does not take the{' '}
        {mainMethodOf(provider).name} method yet. What is marked “planned” on this page shows how it will
        work.
      </p>
    </aside>
  );
}
