import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { mainMethodOf } from '../main-method.js';
import { HandledIcon } from './handled-icon.js';
import { handledWork } from './handled-work.js';

/** Four cards: the work that Authpipe takes off the product for this kind of method. */
export function HandledCards({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  const method = mainMethodOf(provider);
  return (
    <section aria-labelledby="handled">
      <h2 id="handled">What Authpipe handles for {provider.name}</h2>
      <ul className="handled">
        {handledWork(method).map(({ title, text, icon }) => (
          <li key={title} className="handled-card">
            <HandledIcon icon={icon} />
            <h3>{title}</h3>
            <p>{text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
