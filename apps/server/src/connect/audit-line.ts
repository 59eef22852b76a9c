import type { Clock } from '../clock.js';
import { auditData } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../log/logger.js';
import type { FailedAttempt } from './attempt-outcome.js';
import type { ConnectSession } from './connect-session.js';

/** How a person's attempt went, in words that hold nothing of an answer of the provider. */
export interface AuditedResult {
  /** By this field the lines are found; `connect.refused` is written where a browser could not go on at all. */
  readonly audit: 'connect.completed' | 'connect.held' | 'connect.failed';
  /** The session's error code; of what went well its status. */
  readonly outcome: string;
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
  failedCheck,
});

/**
 * Tells the audit and the log how an attempt went: who (environment, tenant, owner), what, and with which result; never a
 * secret. The audit knows of what was completed from the connection itself, by the statement that wrote it.
 */
export type WriteAuditLine = (session: ConnectSession, result: AuditedResult) => Promise<void>;

/** The one door of attempts to the audit and the log. */
export const createWriteAuditLine =
  ({
    db: { prisma },
    clock,
    log,
  }: {
    readonly db: Pick<Database, 'prisma'>;
    readonly clock: Clock;
    readonly log: Logger;
  }): WriteAuditLine =>
  async ({ id, environment, tenantId, owner, userId, reconnectId }, result) => {
    log.info({ sessionId: id, environment, tenantId, owner, userId, ...result }, 'a person connects');
    const { audit: action, outcome, failedCheck = null, integrationRowId } = result;
    if (action === 'connect.completed') return;
    const picked =
      integrationRowId === undefined
        ? null
        : await prisma.integration.findUnique({
            where: { id: integrationRowId },
            select: { integrationId: true },
          });
    const integration = picked?.integrationId ?? null;
    const details = { sessionId: id, owner, userId, failedCheck, integration };
    await prisma.auditPending.create({
      data: auditData({
        ...{ environment, tenantId, connectionId: reconnectId, action, time: clock.now(), details },
        result: action === 'connect.failed' ? outcome : 'ok',
      }),
    });
  };
