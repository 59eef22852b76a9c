import { timingSafeEqual } from 'node:crypto';
import { type ApiKeyScope, apiKeyScope } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import { auditData } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { withinMillis } from '../deadline.js';
import { Problem } from '../errors/problem.js';
import { StartError } from '../errors/start-error.js';
import { newId, type Randomness } from '../randomness.js';
import {
  type ApiKeyIdentity,
  allows,
  environmentOfKey,
  hashApiKey,
  makeApiKey,
  nameOfKey,
  prefixOfKey,
} from './api-key.js';
import { BOOT_KEY_NAME, checkNewApiKey, type NewApiKey } from './new-api-key.js';

export { type ApiKeyIdentity, allows } from './api-key.js';
export type { NewApiKey } from './new-api-key.js';

/** A stored key, without the key. */
export interface ApiKeyRecord extends ApiKeyIdentity {
  readonly name: string;
  /** How the key begins. */
  readonly prefix: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/** The keys of the API. */
export interface ApiKeys {
  /**
   * Who presents the key. Good answers are kept for 4 s, so that a revoked key is refused within 5 s on every replica;
   * the expiry is looked at each time.
   * @throws Problem `unauthorized`, the same for an unknown, a revoked and an expired key
   */
  verifyApiKey(presented: string): Promise<ApiKeyIdentity>;
  /**
   * The same for what tells nothing of customers and has to be seen during an outage: while the database does not answer, a
   * key that this process found good within the last day is good until it expires.
   * @throws Problem `unauthorized`
   */
  verifyKnownApiKey(presented: string): Promise<ApiKeyIdentity>;
  readonly allows: typeof allows;
  /** The key itself is in the answer and nowhere else. @throws Problem `invalid_request` */
  createApiKey(key: NewApiKey): Promise<{ id: string; key: string }>;
  /** Revoking twice is no error. @throws Problem `not_found` */
  revokeApiKey(id: string): Promise<void>;
  /** Newest first, revoked and expired ones too; of all environments, when none is given. */
  listApiKeys(environment?: string): Promise<ApiKeyRecord[]>;
  /**
   * Lets `AUTHPIPE_API_KEY` exist, with all scopes, in the environment of its prefix. Another value at a later start leaves
   * the earlier one valid until it is revoked, so that replicas can be restarted one after another: `stillValid` are the
   * ids of such earlier ones, to be warned of.
   * @throws StartError when it is no key, or was revoked: it would not come back to life
   */
  ensureBootKey(key: string): Promise<{ id: string; stillValid: string[] }>;
}

/** A second less than revocation may take: the rest is for the query and the answer under way. */
const KEPT_MILLIS = 4_000;
/** For as long as an outage of the database may last, and be watched. */
const KNOWN_MILLIS = 86_400_000;
/** A database that stands still is waited for no longer, where the key is known. */
const PATIENCE_MILLIS = 2_000;
/** Keys in use at one time; a key that falls out costs a query. */
const MAX_KEPT_KEYS = 10_000;

interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly hash: Uint8Array;
  readonly scopes: string[];
  readonly tenant_id: string | null;
  readonly expires_at: Date | null;
}

interface KeptKey {
  readonly identity: ApiKeyIdentity;
  readonly expiresAt: Date | null;
  readonly readAt: number;
}

// An unknown key costs this one look into an index. Nothing is kept of it: a flood of random keys would only push the
// good ones out.
const FIND = `SELECT id, name, environment, hash, scopes, tenant_id, expires_at FROM api_keys
  WHERE hash = $1 AND revoked_at IS NULL`;

const isScope = (scope: string): scope is ApiKeyScope => apiKeyScope.safeParse(scope).success;

const refused = (): Problem =>
  new Problem('unauthorized', 'The API key is not accepted: it is unknown, revoked or expired. Use another.');

/** Keeps API keys, by hash alone. */
export const createApiKeys = ({
  db,
  clock,
  randomness,
  patienceMillis = PATIENCE_MILLIS,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly patienceMillis?: number;
}): ApiKeys => {
  const kept = new LRUCache<string, KeptKey>({ max: MAX_KEPT_KEYS });
  /** Look-ups under way: a thousand streams of one key ask at the same moment. */
  const finding = new Map<string, Promise<KeptKey | null>>();

  const isYoung = ({ readAt }: KeptKey, millis: number): boolean => {
    const age = clock.now().getTime() - readAt;
    // A clock that was set back must not lengthen a revoked key's life.
    return age >= 0 && age < millis;
  };

  /** Looks a key up, once for all who ask meanwhile. */
  const findOnce = (name: string): Promise<KeptKey | null> => {
    const running = finding.get(name) ?? find(name).finally(() => finding.delete(name));
    finding.set(name, running);
    return running;
  };

  const find = async (name: string): Promise<KeptKey | null> => {
    const hash = Buffer.from(name, 'base64');
    // The time before the query: what is read after a revocation can't be older than this says.
    const readAt = clock.now().getTime();
    const [row] = await db.query<ApiKeyRow>('api_key_find', FIND, [hash]);
    if (!row || !timingSafeEqual(row.hash, hash)) return null;
    const { id, name: label, environment, tenant_id: tenantId, expires_at: expiresAt } = row;
    const identity = { id, name: label, environment, scopes: row.scopes.filter(isScope), tenantId };
    return { identity, expiresAt, readAt };
  };

  /** The database's word on a key; what is known of it where the database does not answer. */
  const findOrKnow = async (name: string): Promise<KeptKey | null> => {
    const known = kept.get(name);
    if (!known || !isYoung(known, KNOWN_MILLIS)) return findOnce(name);
    return withinMillis(patienceMillis, findOnce(name)).catch(() => known);
  };

  const verify = async (presented: string, lookUp: typeof findOnce): Promise<ApiKeyIdentity> => {
    if (environmentOfKey(presented) === null) throw refused();
    const name = nameOfKey(presented);
    const remembered = kept.get(name);
    const found = remembered && isYoung(remembered, KEPT_MILLIS) ? remembered : await lookUp(name);
    if (!found || (found.expiresAt !== null && found.expiresAt <= clock.now())) {
      kept.delete(name);
      throw refused();
    }
    if (found !== remembered) kept.set(name, found);
    return found.identity;
  };

  return {
    verifyApiKey: (presented) => verify(presented, findOnce),
    verifyKnownApiKey: (presented) => verify(presented, findOrKnow),

    allows,

    async createApiKey(wanted) {
      const createdAt = clock.now();
      const checked = checkNewApiKey(wanted, createdAt);
      const id = newId('key', randomness);
      const key = makeApiKey(checked.environment, randomness);
      const { environment, tenantId, name, scopes, expiresAt } = checked;
      const details = { keyId: id, name, scopes, expiresAt: expiresAt?.toISOString() ?? null };
      const audited = { environment, tenantId, action: 'key.created', time: createdAt, details } as const;
      await db.prisma.$transaction([
        db.prisma.apiKey.create({
          data: { ...checked, id, hash: hashApiKey(key), prefix: prefixOfKey(key), createdAt },
        }),
        db.prisma.auditPending.create({ data: auditData(audited) }),
      ]);
      return { id, key };
    },

    async revokeApiKey(id) {
      const revokedAt = clock.now();
      const count = await db.transaction(async (tx) => {
        const [revoked] = await tx.apiKey.updateManyAndReturn({
          where: { id, revokedAt: null },
          data: { revokedAt },
        });
        if (!revoked) return 0;
        const { environment, tenantId, name } = revoked;
        const details = { keyId: id, name };
        const audited = { environment, tenantId, action: 'key.revoked', time: revokedAt, details } as const;
        await tx.auditPending.create({ data: auditData(audited) });
        return 1;
      });
      for (const [name, { identity }] of kept.entries()) if (identity.id === id) kept.delete(name);
      if (count === 0 && (await db.prisma.apiKey.count({ where: { id } })) === 0) {
        throw new Problem('not_found', `There is no API key ${id}: \`authpipe keys list\` shows them.`);
      }
    },

    async listApiKeys(environment) {
      const rows = await db.prisma.apiKey.findMany({
        where: environment === undefined ? {} : { environment },
        omit: { hash: true },
        orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
      });
      return rows.map((row) => ({ ...row, scopes: row.scopes.filter(isScope) }));
    },

    async ensureBootKey(key) {
      const environment = environmentOfKey(key);
      if (environment === null) {
        throw new StartError(
          'AUTHPIPE_API_KEY is not an API key: it has to be ap_ENVIRONMENT_ and 32 or more random characters.',
        );
      }
      const hash = hashApiKey(key);
      const row = {
        ...{ id: newId('key', randomness), name: BOOT_KEY_NAME, environment, hash, prefix: prefixOfKey(key) },
        ...{ scopes: [...apiKeyScope.options], createdAt: clock.now() },
      };
      // Replicas that start at once make it once.
      const details = { keyId: row.id, name: BOOT_KEY_NAME, scopes: row.scopes };
      const audited = {
        environment,
        tenantId: null,
        action: 'key.created',
        time: row.createdAt,
        details,
      } as const;
      await db.transaction(async (tx) => {
        const { count } = await tx.apiKey.createMany({ data: [row], skipDuplicates: true });
        if (count > 0) await tx.auditPending.create({ data: auditData(audited) });
      });
      const { id, revokedAt } = await db.prisma.apiKey.findUniqueOrThrow({ where: { hash } });
      if (revokedAt !== null) {
        throw new StartError(
          `The key in AUTHPIPE_API_KEY (${id}) was revoked: put another one there, or leave it out.`,
        );
      }
      const earlier = await db.prisma.apiKey.findMany({
        where: { name: BOOT_KEY_NAME, revokedAt: null, id: { not: id } },
        select: { id: true },
        orderBy: { createdAt: 'asc' },
      });
      return { id, stillValid: earlier.map((other) => other.id) };
    },
  };
};
