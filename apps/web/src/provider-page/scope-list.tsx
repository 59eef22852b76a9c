import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../main-method.js';

/** The scopes of the provider's main method; nothing for methods that have none. */
export function ScopeList({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const method = mainMethodOf(provider);
  if (!('scopes' in method) || method.scopes.length === 0) return null;
  return (
    <section aria-labelledby="scopes">
      <h2 id="scopes">Available Scopes</h2>
      <p className="section-lead">
        {method.kind === 'oauth2'
          ? `Permissions you can request when connecting to ${provider.name}.`
          : `Permissions that an API client at ${provider.name} can hold.`}
      </p>
      <dl className="scopes">
        {method.scopes.map(({ name, description }) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
