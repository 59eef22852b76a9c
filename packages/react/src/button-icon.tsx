import type { ConnectFlowStatus } from './connect-flow.js';

const PATHS: Record<Exclude<ConnectFlowStatus, 'connecting'>, string> = {
  // Two links of a chain, a check mark, an arrow round, an exclamation mark in a ring.
  idle: 'M6.5 9.5l3-3M7 5l1.5-1.5a3 3 0 0 1 4 4L11 9M9 11l-1.5 1.5a3 3 0 0 1-4-4L5 7',
  connected: 'M3 8.5l3.2 3.2L13 5',
  needs_reconnect: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  error: 'M8 4.8v3.6M8 11v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
};

/** The sign of a state; the words beside it say the same, so it is hidden from screen readers. */
export function ButtonIcon({ status }: { status: ConnectFlowStatus }) {
  return (
    <svg
      aria-hidden="true"
      data-authpipe-icon={status}
      width="1.1em"
      height="1.1em"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: 'none' }}
    >
      {status === 'connecting' ? <Spinner /> : <path d={PATHS[status]} />}
    </svg>
  );
}

/** Turned by SVG itself: a keyframe would need a style sheet, which a strict Content-Security-Policy refuses. */
function Spinner() {
  // Shown only after a click, so always in a browser.
  const still = window.matchMedia?.('(prefers-reduced-motion: reduce)').matches;
  return (
    <>
      <circle cx="8" cy="8" r="6" opacity="0.25" />
      <path d="M8 2a6 6 0 0 1 6 6">
        {still ? null : (
          <animateTransform
            attributeName="transform"
            type="rotate"
            values="0 8 8;360 8 8"
            dur="0.9s"
            repeatCount="indefinite"
          />
        )}
      </path>
    </>
  );
}
