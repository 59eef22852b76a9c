import type { ConnectionStatus } from '@authpipe/types';
import type { ReactNode } from 'react';

const PATHS: Record<ConnectionStatus, string> = {
  // A ring, a check mark, an exclamation mark in a triangle, an arrow round.
  unverified: 'M13 8A5 5 0 1 1 3 8a5 5 0 0 1 10 0',
  healthy: 'M3 8.5l3.2 3.2L13 5',
  degraded: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.1',
  needs_reconnect: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
};

/** The sign of a status; the words beside it say the same, so it is hidden from screen readers. */
export function StatusSign({ status }: { readonly status: ConnectionStatus }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      width="1em"
      height="1em"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: 'none', alignSelf: 'center' }}
    >
      <path d={PATHS[status]} />
    </svg>
  );
}
