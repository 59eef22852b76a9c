import type { ConnectSessionState } from '@authpipe/types';
import type { ConnectConnections } from './connect-integrations.js';
import { type ConnectSession, statusOf } from './connect-session.js';

const EXPIRED = {
  code: 'session_expired',
  detail: 'The connect session ended before the person had finished. Make a new one.',
} as const;

/** What the backend and the browser may know of a session. */
export const toSessionState = async (
  session: ConnectSession,
  { findRecord, toConnectedAccount }: Pick<ConnectConnections, 'findRecord' | 'toConnectedAccount'>,
  now: Date,
): Promise<ConnectSessionState> => {
  const { id, environment, connectionId } = session;
  const status = statusOf(session, now);
  const record =
    status === 'complete' && connectionId !== null ? await findRecord(connectionId, environment) : null;
  const error = status === 'expired' ? EXPIRED : session.error;
  return {
    id,
    status,
    ...(record ? { connection: toConnectedAccount(record) } : {}),
    ...(error ? { error: { ...error } } : {}),
  };
};
