import { z } from 'zod';
import type { Database } from '../db/database.js';
import type { AuthorizationRequest as RequestRow } from '../db/generated/client.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import { sameHash } from './secret-hash.js';

/** One trip to the provider, without its secrets. */
export interface AuthorizationRequest {
  readonly id: string;
  readonly sessionId: string;
  readonly integrationRowId: string;
  /** The trip is off when the integration was changed meanwhile. */
  readonly integrationVersion: number;
  readonly environment: string;
  readonly tenantId: string;
  readonly issuer: string | null;
  readonly redirectUri: string;
  readonly config: Readonly<Record<string, string>>;
  readonly requestedScopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What only the callback may know. */
export interface RequestSecrets {
  readonly codeVerifier: string;
  readonly nonce: string;
}

/** What became of the attempt to use a state up. */
export type ConsumedRequest =
  | { readonly found: 'fresh'; readonly request: AuthorizationRequest; readonly secrets: RequestSecrets }
  | { readonly found: 'unknown' }
  | { readonly found: 'other_browser' | 'replayed' | 'expired'; readonly sessionId: string };

const pairs = z.record(z.string(), z.string());
const requestSecrets = z.object({ codeVerifier: z.string(), nonce: z.string() });

/** Version of what is sealed: the secrets of the way out, then the grant that waits for the backend. */
const SECRETS_VERSION = 1;
const GRANT_VERSION = 2;

const placeOf = (
  { environment, tenantId, id }: Pick<AuthorizationRequest, 'environment' | 'tenantId' | 'id'>,
  version: number,
): SecretPlace => ({ environment, tenantId, record: id, field: 'authorization_request', version });

const toRequest = (row: RequestRow): AuthorizationRequest => ({
  id: row.id,
  sessionId: row.sessionId,
  integrationRowId: row.integrationRowId,
  integrationVersion: row.integrationVersion,
  environment: row.environment,
  tenantId: row.tenantId,
  issuer: row.issuer,
  redirectUri: row.redirectUri,
  config: pairs.parse(row.config),
  requestedScopes: row.requestedScopes,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
});

/** Trips to providers: state by its hash, verifier, nonce and waiting grants sealed. */
export const createAuthorizationRequestStore = ({
  db: { prisma },
  vault,
}: {
  readonly db: Pick<Database, 'prisma'>;
  readonly vault: Vault;
}) => {
  const find = (stateHash: Uint8Array<ArrayBuffer>) =>
    prisma.authorizationRequest.findUnique({ where: { stateHash } });

  return {
    async insert(
      request: AuthorizationRequest,
      secrets: RequestSecrets,
      hashes: {
        readonly stateHash: Uint8Array<ArrayBuffer>;
        readonly browserHash: Uint8Array<ArrayBuffer>;
      },
    ): Promise<void> {
      const sealed = await vault.seal(placeOf(request, SECRETS_VERSION), JSON.stringify(secrets));
      await prisma.authorizationRequest.create({
        data: {
          ...request,
          ...hashes,
          requestedScopes: [...request.requestedScopes],
          envelope: new Uint8Array(sealed),
        },
      });
    },

    /**
     * Uses a state up, for the browser that it belongs to, in one statement: of several callbacks with it one gets it.
     * A stranger's callback changes nothing and learns nothing.
     * @see RFC 9700 section 4.7.1
     */
    async consume(
      stateHash: Uint8Array<ArrayBuffer>,
      browserHash: Uint8Array<ArrayBuffer> | null,
      now: Date,
    ): Promise<ConsumedRequest> {
      const [row] =
        browserHash === null
          ? []
          : await prisma.authorizationRequest.updateManyAndReturn({
              where: { stateHash, browserHash, consumedAt: null, expiresAt: { gt: now } },
              data: { consumedAt: now },
            });
      if (row) {
        const request = toRequest(row);
        const opened: unknown = JSON.parse(await vault.open(placeOf(request, SECRETS_VERSION), row.envelope));
        return { found: 'fresh', request, secrets: requestSecrets.parse(opened) };
      }
      const stored = await find(stateHash);
      if (!stored) return { found: 'unknown' };
      const { sessionId } = stored;
      if (!sameHash(stored.browserHash, browserHash)) return { found: 'other_browser', sessionId };
      return { found: stored.consumedAt ? 'replayed' : 'expired', sessionId };
    },

    /**
     * Keeps a grant, sealed, until the app's backend proves that it began the session; the session's other trips end
     * here. False when one of them was quicker.
     */
    async holdGrant(request: AuthorizationRequest, grant: string): Promise<boolean> {
      const envelope = new Uint8Array(await vault.seal(placeOf(request, GRANT_VERSION), grant));
      const { id, sessionId } = request;
      await prisma.authorizationRequest.deleteMany({ where: { sessionId, id: { not: id } } });
      const { count } = await prisma.authorizationRequest.updateMany({ where: { id }, data: { envelope } });
      return count === 1;
    },

    /** The grant that waits in a session whose status is `awaiting_finish`. */
    async openHeldGrant(sessionId: string): Promise<{ request: AuthorizationRequest; grant: string } | null> {
      const row = await prisma.authorizationRequest.findFirst({
        where: { sessionId, consumedAt: { not: null } },
        // A trip that was under way may have come back since; it was refused, but its row is there.
        orderBy: { consumedAt: 'asc' },
      });
      if (!row) return null;
      const request = toRequest(row);
      return { request, grant: await vault.open(placeOf(request, GRANT_VERSION), row.envelope) };
    },

    /** Deletes all trips of a session, and with them what is sealed in them. */
    async deleteOfSession(sessionId: string): Promise<void> {
      await prisma.authorizationRequest.deleteMany({ where: { sessionId } });
    },

    /** Deletes trips whose time is over, unless a grant waits in them. @returns how many there were */
    async deleteExpired(now: Date): Promise<number> {
      const { count } = await prisma.authorizationRequest.deleteMany({
        where: { expiresAt: { lte: now }, session: { status: { not: 'awaiting_finish' } } },
      });
      return count;
    },
  };
};

export type AuthorizationRequestStore = ReturnType<typeof createAuthorizationRequestStore>;
