import type { ConnectErrorCode } from './connect-error.js';

/** Every word that a `ConnectButton` shows or announces. */
export interface ConnectLabels {
  /** On the button before anything is connected. */
  readonly idle: string;
  readonly connecting: string;
  /** While connecting, when the popup looks closed: a click opens it again. */
  readonly windowGone: string;
  readonly connected: string;
  readonly needsReconnect: string;
  /** On the button after an error: a click tries again. */
  readonly error: string;
  /** Below the button after an error, by its code. */
  readonly errors: Readonly<Record<ConnectErrorCode, string>>;
}

/** Labels to replace; the others stay. */
export type ConnectLabelOverrides = Partial<Omit<ConnectLabels, 'errors'>> & {
  readonly errors?: Partial<ConnectLabels['errors']> | undefined;
};

/** English labels, with the caller's over them. */
export function connectLabels(provider: string, overrides: ConnectLabelOverrides = {}): ConnectLabels {
  const name = providerName(provider);
  const failed = `${name} could not be connected.`;
  return {
    idle: `Connect ${name}`,
    connecting: 'Connecting…',
    windowGone: 'Reopen window',
    connected: `${name} connected`,
    needsReconnect: `Reconnect ${name}`,
    error: 'Try again',
    ...overrides,
    errors: {
      popup_blocked: 'Your browser blocked the window. Allow pop-ups here, then try again.',
      access_denied: `Access was declined at ${name}.`,
      account_mismatch: `That was another ${name} account than before. Sign in with the same one.`,
      session_expired: 'That took too long. Please start again.',
      provider_error: `${name} reported an error. Please try again.`,
      server_unreachable: 'The connection service did not answer. Check your network, then try again.',
      integration_not_configured: `${name} is not set up yet. Ask your administrator.`,
      unauthorized: failed,
      session_unavailable: failed,
      ...overrides.errors,
    },
  };
}

/** A readable name made of an id: `google-drive` → `Google Drive`. */
export const providerName = (provider: string): string =>
  provider
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
