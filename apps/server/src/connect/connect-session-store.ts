import { type SessionErrorCode, sessionErrorCode, sessionPermission } from '@authpipe/types';
import { z } from 'zod';
import { auditData } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { ConnectSession as SessionRow } from '../db/generated/client.js';
import type { ConnectSession } from './connect-session.js';

/** Everything a new session is made of. */
export interface NewConnectSession
  extends Omit<
    ConnectSession,
    'status' | 'error' | 'browserHash' | 'openerOrigin' | 'display' | 'chosen' | 'connectionId'
  > {
  readonly tokenHash: Uint8Array<ArrayBuffer>;
  readonly linkCodeHash: Uint8Array<ArrayBuffer>;
  readonly linkExpiresAt: Date;
}

/** What opening a session in a browser writes down. */
export interface OpenedSession {
  readonly browserHash: Uint8Array<ArrayBuffer>;
  readonly openerOrigin: string | null;
  readonly display: 'popup' | 'redirect' | null;
  readonly chosen: string | null;
  readonly reconnectId: string | null;
}

/** How a session ended. */
export type SessionOutcome =
  | { readonly status: 'complete'; readonly connectionId: string }
  | { readonly status: 'awaiting_finish' }
  | { readonly status: 'failed'; readonly error: NonNullable<ConnectSession['error']> };

const pairs = z.record(z.string(), z.string());
const display = z.enum(['popup', 'redirect']).nullable().catch(null);

const toError = (code: string | null, detail: string | null): ConnectSession['error'] =>
  code === null
    ? null
    : { code: sessionErrorCode.parse(code) satisfies SessionErrorCode, detail: detail ?? '' };

const toSession = (row: SessionRow): ConnectSession => ({
  id: row.id,
  environment: row.environment,
  tenantId: row.tenantId,
  owner: row.owner === 'tenant' ? 'tenant' : 'user',
  userId: row.userId === '' ? null : row.userId,
  integrations: row.integrations,
  label: row.label,
  reconnectId: row.reconnectId,
  scopes: row.scopes,
  config: pairs.parse(row.config),
  metadata: pairs.parse(row.metadata),
  permissions: z.array(sessionPermission).parse(row.permissions),
  allowedOrigins: row.allowedOrigins,
  returnUrl: row.returnUrl,
  codeChallenge: row.codeChallenge,
  status: z.enum(['pending', 'awaiting_finish', 'complete', 'failed']).parse(row.status),
  error: toError(row.errorCode, row.errorDetail),
  browserHash: row.browserHash,
  openerOrigin: row.openerOrigin,
  display: display.parse(row.display),
  chosen: row.integrationId,
  connectionId: row.connectionId,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
});

/** Connect sessions over the database. Tokens and codes are known by their hashes alone. */
export const createConnectSessionStore = ({ db: { prisma } }: { readonly db: Pick<Database, 'prisma'> }) => {
  const found = (row: SessionRow | null) => (row ? toSession(row) : null);
  const stillPending = (id: string, now: Date) => ({ id, status: 'pending', expiresAt: { gt: now } });

  return {
    async insert({ tokenHash, linkCodeHash, linkExpiresAt, ...session }: NewConnectSession): Promise<void> {
      const { environment, tenantId, owner, userId, permissions, reconnectId, createdAt } = session;
      const created = prisma.connectSession.create({
        data: {
          ...session,
          userId: session.userId ?? '',
          integrations: [...session.integrations],
          scopes: [...session.scopes],
          permissions: [...session.permissions],
          allowedOrigins: [...session.allowedOrigins],
          tokenHash,
          linkCodeHash,
          linkExpiresAt,
          status: 'pending',
        },
      });
      const details = { sessionId: session.id, owner, userId, permissions };
      const audited = auditData({
        ...{ environment, tenantId, connectionId: reconnectId, action: 'session.created' },
        ...{ time: createdAt, details },
      });
      await prisma.$transaction([created, prisma.auditPending.create({ data: audited })]);
    },

    findById: async (id: string) => found(await prisma.connectSession.findUnique({ where: { id } })),

    findByTokenHash: async (tokenHash: Uint8Array<ArrayBuffer>) =>
      found(await prisma.connectSession.findUnique({ where: { tokenHash } })),

    /** Looks at a link's session without using the link up. */
    async findByLinkCodeHash(linkCodeHash: Uint8Array<ArrayBuffer>) {
      const row = await prisma.connectSession.findUnique({ where: { linkCodeHash } });
      return row && { session: toSession(row), linkExpiresAt: row.linkExpiresAt, linkUsedAt: row.linkUsedAt };
    },

    /** Binds a pending session to a browser; another one that had it before is out. False when it is over. */
    async open(id: string, opened: OpenedSession, now: Date): Promise<boolean> {
      const { chosen, ...rest } = opened;
      const { count } = await prisma.connectSession.updateMany({
        where: stillPending(id, now),
        data: { ...rest, integrationId: chosen },
      });
      return count === 1;
    },

    /**
     * Uses a link up, and binds its session: what a button said before is over, as no page waits behind a link. One
     * statement decides, so a second click in time gets false.
     */
    async openByLink(id: string, browserHash: Uint8Array<ArrayBuffer>, now: Date): Promise<boolean> {
      const { count } = await prisma.connectSession.updateMany({
        where: { ...stillPending(id, now), linkUsedAt: null, linkExpiresAt: { gt: now } },
        data: { linkUsedAt: now, browserHash, openerOrigin: null, display: null, integrationId: null },
      });
      return count === 1;
    },

    /** Moves the binding from a browser's passing proof to its lasting id. */
    async rebind(id: string, from: Uint8Array<ArrayBuffer>, to: Uint8Array<ArrayBuffer>): Promise<boolean> {
      const { count } = await prisma.connectSession.updateMany({
        where: { id, browserHash: from },
        data: { browserHash: to },
      });
      return count === 1;
    },

    /** Notes why an attempt failed; the person may try again. */
    async noteError(id: string, error: NonNullable<ConnectSession['error']>, now: Date): Promise<void> {
      await prisma.connectSession.updateMany({
        where: stillPending(id, now),
        data: { errorCode: error.code, errorDetail: error.detail },
      });
    },

    /** Ends a session that still has the given status: of several outcomes at once one stays. */
    async settle(
      id: string,
      from: 'pending' | 'awaiting_finish' | 'failed',
      outcome: SessionOutcome,
      now: Date,
    ): Promise<boolean> {
      const error = outcome.status === 'failed' ? outcome.error : null;
      const { count } = await prisma.connectSession.updateMany({
        where: { id, status: from },
        data: {
          status: outcome.status,
          errorCode: error?.code ?? null,
          errorDetail: error?.detail ?? null,
          ...(outcome.status === 'complete' ? { connectionId: outcome.connectionId } : {}),
          ...(outcome.status === 'awaiting_finish' ? {} : { finishedAt: now }),
        },
      });
      return count === 1;
    },

    /** Sessions that a person finished, and no backend in time. */
    listUnfinished: async (now: Date) =>
      (
        await prisma.connectSession.findMany({
          where: { status: 'awaiting_finish', expiresAt: { lte: now } },
          orderBy: { expiresAt: 'asc' },
          take: 100,
        })
      ).map(toSession),

    /** Deletes what ended before `before`. @returns how many there were */
    deleteExpired: async (before: Date): Promise<number> =>
      (await prisma.connectSession.deleteMany({ where: { expiresAt: { lt: before } } })).count,
  };
};

export type ConnectSessionStore = ReturnType<typeof createConnectSessionStore>;
