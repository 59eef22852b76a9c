import type { ReactNode } from 'react';

/** The mark: a key whose shaft is a pipe, open at the far end. Takes the colour of the text around it. */
export function Mark({ size }: { readonly size: number }): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 32 24" width={(size * 32) / 24} height={size} aria-hidden="true">
      <circle className="mark-ring" cx="8" cy="12" r="5.75" />
      <path className="mark-pipe" d="M13.75 12H28.5M21 12v5.25M28.5 7.5v9" />
    </svg>
  );
}

/** The mark with the name beside it. */
export function Wordmark(): ReactNode {
  return (
    <span className="wordmark">
      <Mark size={20} />
      <span>Authpipe</span>
    </span>
  );
}
