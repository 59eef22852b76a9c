import type { ConnectionStatus, StatusReason } from '@authpipe/types';
import type { ConnectLabelOverrides } from '../connect-labels.js';

/** Every word that a `ConnectionList` shows or announces. `name` is the provider's, with the label where there is one. */
export interface ConnectionListLabels {
  /** The list's name for screen readers. */
  readonly list: string;
  readonly loading: string;
  readonly empty: string;
  /** When the list could not be loaded. */
  readonly failed: string;
  /** On the button that loads again. */
  readonly tryAgain: string;
  readonly status: Readonly<Record<ConnectionStatus, string>>;
  /** Why a connection is degraded or has to be connected again. */
  readonly reasons: Readonly<Record<StatusReason, string>>;
  /** When the person granted less than was asked for. */
  readonly missingScopes: (count: number) => string;
  readonly reconnect: (name: string) => string;
  /** On the button; `disconnectOne` is what screen readers hear, and begins with it. */
  readonly disconnect: string;
  readonly disconnectOne: (name: string, account: string) => string;
  /** The question before a connection is ended. */
  readonly confirm: (name: string) => string;
  /** The answers. */
  readonly confirmYes: string;
  readonly confirmNo: string;
  readonly disconnecting: string;
  readonly disconnectFailed: (name: string) => string;
  /** Announced. */
  readonly disconnected: (name: string) => string;
  readonly reconnected: (name: string) => string;
  /** Of the Reconnect button, while it works and when it fails. */
  readonly button: ConnectLabelOverrides;
}

/** Labels to replace; the others stay. */
export type ConnectionListLabelOverrides = Partial<Omit<ConnectionListLabels, 'status' | 'reasons'>> & {
  readonly status?: Partial<ConnectionListLabels['status']> | undefined;
  readonly reasons?: Partial<ConnectionListLabels['reasons']> | undefined;
};

const STATUS: ConnectionListLabels['status'] = {
  unverified: 'Connected, not checked yet',
  healthy: 'Working',
  degraded: 'Having trouble',
  needs_reconnect: 'Needs to be reconnected',
};

const REASONS: ConnectionListLabels['reasons'] = {
  revoked: 'Access was withdrawn.',
  refresh_token_expired: 'Access ran out.',
  refresh_token_missing: 'Access ran out and can’t be renewed.',
  rotation_lost: 'Access could not be renewed.',
  deployment_copied: 'This copy of the service may not use the access.',
  user_deactivated: 'The account was deactivated.',
  app_deactivated: 'The app was deactivated there.',
  client_secret_invalid: 'The app’s own access is not accepted there.',
  consent_required: 'Consent has to be given again.',
  scope_lost: 'A permission was taken away.',
  role_lost: 'The account has lost a role that is needed.',
  key_invalid: 'The key is not accepted any more.',
  rate_limited: 'There were too many requests. It will be tried again.',
  provider_down: 'It does not answer right now. It will be tried again.',
  configuration: 'The set-up has to be mended.',
};

/** English labels, with the caller's over them. */
export const connectionListLabels = (overrides: ConnectionListLabelOverrides = {}): ConnectionListLabels => ({
  list: 'Connections',
  loading: 'Loading connections…',
  empty: 'Nothing is connected yet.',
  failed: 'The connections could not be loaded.',
  tryAgain: 'Try again',
  missingScopes: (count) =>
    count === 1 ? 'One permission was not granted.' : `${count} permissions were not granted.`,
  reconnect: (name) => `Reconnect ${name}`,
  disconnect: 'Disconnect',
  disconnectOne: (name, account) => `Disconnect ${name}${account && `, ${account}`}`,
  confirm: (name) => `Disconnect ${name}? Access ends at once.`,
  confirmYes: 'Disconnect',
  confirmNo: 'Keep',
  disconnecting: 'Disconnecting…',
  disconnectFailed: (name) => `${name} could not be disconnected. Please try again.`,
  disconnected: (name) => `${name} is disconnected.`,
  reconnected: (name) => `${name} is connected again.`,
  button: {},
  ...overrides,
  status: { ...STATUS, ...overrides.status },
  reasons: { ...REASONS, ...overrides.reasons },
});
