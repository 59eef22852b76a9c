import type { ProviderDefinition } from '@authpipe/providers';
import type { ReactNode } from 'react';
import { isConnectable, mainMethodOf } from '../availability.js';

/** Stands in the heading of a section that is true only once the provider can be connected. */
export function PlannedBadge({ provider }: { readonly provider: ProviderDefinition }): ReactNode {
  if (isConnectable(mainMethodOf(provider))) return null;
  return (
    <>
      {' '}
      <span className="badge badge-quiet">Planned</span>
    </>
  );
}
