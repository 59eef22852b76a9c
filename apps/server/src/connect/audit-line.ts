import type { Logger } from '../log/logger.js';
import type { FailedAttempt } from './attempt-outcome.js';
import type { ConnectSession } from './connect-session.js';

/** How a person's attempt went, in words that hold nothing of an answer of the provider. */
export interface AuditedResult {
  /** By this field the lines are found; `connect.refused` is written where a browser could not go on at all. */
  readonly audit: 'connect.completed' | 'connect.held' | 'connect.failed';
  /** The session's error code; of what went well its status. */
  readonly outcome: string;
  /** What the person and the app read. */
  readonly detail?: string;
  /** What exactly did not pass; null where nothing was checked, such as a person who declined. */
  readonly failedCheck?: string | null;
  readonly connectionId?: string;
  /** Row of the integration that was picked. */
  readonly integrationRowId?: string;
}

/** A failed attempt, for the audit. */
export const failedResult = ({ error, failedCheck = null }: FailedAttempt): AuditedResult => ({
  audit: 'connect.failed',
  outcome: error.code,
  detail: error.detail,
  failedCheck,
});

/**
 * Writes the line of the log by which an audit follows a connect session: who (environment, tenant, owner), what, and with
 * which result; never a secret.
 */
export const writeAuditLine = (
  log: Logger,
  { id, environment, tenantId, owner, userId }: ConnectSession,
  result: AuditedResult,
): void => {
  log.info({ sessionId: id, environment, tenantId, owner, userId, ...result }, 'a person connects');
};
