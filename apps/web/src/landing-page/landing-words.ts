import type { FlowWords } from '../provider-page/flow-words.js';
import type { HandledWork } from '../provider-page/handled-work.js';

/** The picture's words where no provider is meant in particular. */
export const LANDING_FLOW: Pick<FlowWords, 'outward' | 'homeward'> = {
  outward: ['connect', 'authorize'],
  homeward: ['credential', 'tokens'],
};

/** What the front page says that Authpipe does. */
export const PROMISES: readonly HandledWork[] = [
  {
    title: 'Connect',
    text: 'A button in your product, a consent page at the provider. PKCE, state and callbacks are checked on the way.',
    icon: 'exchange',
  },
  {
    title: 'Keep',
    text: 'AES-256-GCM under a key per tenant, bound to its row. The browser never sees a token.',
    icon: 'vault',
  },
  {
    title: 'Renew',
    text: 'Tokens are refreshed ahead of their expiry, whether or not anyone reads them.',
    icon: 'refresh',
  },
  {
    title: 'Watch',
    text: 'Scheduled checks find a revoked grant before your users do, and one click mends it.',
    icon: 'health',
  },
];
