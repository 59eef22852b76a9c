import type { ConnectSessionStatus, Metadata, SessionErrorCode, SessionPermission } from '@authpipe/types';

/** Leave for one person to make or mend one connection. */
export interface ConnectSession {
  readonly id: string;
  readonly environment: string;
  readonly tenantId: string;
  readonly owner: 'user' | 'tenant';
  /** Null when the tenant itself will own the connection. */
  readonly userId: string | null;
  /** Integrations that may be connected; empty: all that are set up. */
  readonly integrations: readonly string[];
  readonly label: string;
  /** The connection to be mended. */
  readonly reconnectId: string | null;
  /** Asked for instead of the integration's; empty: the integration's. */
  readonly scopes: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly metadata: Metadata;
  readonly permissions: readonly SessionPermission[];
  readonly allowedOrigins: readonly string[];
  readonly returnUrl: string | null;
  readonly codeChallenge: string | null;
  /** As stored: a pending session whose time is over still says so. See `statusOf`. */
  readonly status: Exclude<ConnectSessionStatus, 'expired'>;
  /** With `pending`: the last attempt failed, the person may try again. */
  readonly error: { readonly code: SessionErrorCode; readonly detail: string } | null;
  /** Hash of the id of the one browser that may go on; null until a person opened it. */
  readonly browserHash: Uint8Array | null;
  readonly openerOrigin: string | null;
  readonly display: 'popup' | 'redirect' | null;
  /** What the button asked for: an integration's id or a provider's. */
  readonly chosen: string | null;
  /** The outcome. */
  readonly connectionId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Whether the session's time has run out, however it ended. */
export const isOver = ({ expiresAt }: Pick<ConnectSession, 'expiresAt'>, now: Date): boolean =>
  expiresAt <= now;

/** The status at a time: what is not finished when the time is over has expired. */
export const statusOf = (session: ConnectSession, now: Date): ConnectSessionStatus => {
  const { status } = session;
  return (status === 'pending' || status === 'awaiting_finish') && isOver(session, now) ? 'expired' : status;
};
