import { createSecretKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { type RootKey, unwrapKey, wrapKey } from './root-key.js';
import { KEY_BYTES } from './sealed-box.js';
import { VaultError } from './vault.js';

/**
 * A tenant's key, unwrapped. It is held by OpenSSL, which wipes it when nobody uses it any more. Wiping it ourselves would
 * be worse: what is being sealed at that moment would be sealed with zeros.
 */
export interface TenantKey {
  readonly id: string;
  readonly key: KeyObject;
}

interface CachedKey extends TenantKey {
  readonly owner: string;
  readonly unwrappedAt: Date;
}

interface TenantKeyRow {
  readonly id: string;
  readonly environment: string;
  readonly tenant_id: string;
  readonly root_key_id: string;
  readonly wrapped_key: Uint8Array;
}

/** Unwrapped keys kept in memory: 32 bytes each, and a read of the database saved. */
const MAX_CACHED_KEYS = 10_000;
/** How long other replicas can still open what belonged to a deleted tenant. */
const MAX_AGE_SECONDS = 300;

const COLUMNS = 'id, environment, tenant_id, root_key_id, wrapped_key';
const CURRENT = `SELECT ${COLUMNS} FROM tenant_keys WHERE environment = $1 AND tenant_id = $2 ORDER BY version DESC LIMIT 1`;
const BY_ID = `SELECT ${COLUMNS} FROM tenant_keys WHERE id = $1`;
// Another replica may make the same tenant's key at the same moment: one wins, and both read it.
const CREATE = `INSERT INTO tenant_keys (id, environment, tenant_id, version, root_key_id, wrapped_key, created_at)
  VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT (environment, tenant_id, version) DO NOTHING`;

/** Tenants' keys, wrapped in the database, unwrapped in a bounded cache. */
export const createTenantKeys = ({
  db,
  rootKeys,
  clock,
  randomness,
}: {
  readonly db: Database;
  /** The first wraps, all unwrap. */
  readonly rootKeys: readonly [RootKey, ...RootKey[]];
  readonly clock: Clock;
  readonly randomness: Randomness;
}) => {
  const byId = new LRUCache<string, CachedKey>({ max: MAX_CACHED_KEYS });
  const ownerOf = (environment: string, tenantId: string): string => JSON.stringify([environment, tenantId]);

  const unwrap = (row: TenantKeyRow): TenantKey => {
    const root = rootKeys.find(({ id }) => id === row.root_key_id);
    if (!root)
      throw new VaultError(
        `A tenant's key is wrapped by the root key ${row.root_key_id}, which is not given.`,
      );
    const place = { keyId: row.id, environment: row.environment, tenantId: row.tenant_id };
    const owner = ownerOf(row.environment, row.tenant_id);
    const bytes = unwrapKey(root, place, row.wrapped_key);
    const found = { id: row.id, key: createSecretKey(bytes), owner, unwrappedAt: clock.now() };
    bytes.fill(0);
    byId.set(row.id, found);
    return found;
  };

  const cachedKey = (id: string): TenantKey | null => {
    const cached = byId.get(id);
    return cached && addSeconds(cached.unwrappedAt, MAX_AGE_SECONDS) > clock.now() ? cached : null;
  };

  const readCurrent = async (environment: string, tenantId: string): Promise<TenantKey | null> => {
    const [row] = await db.query<TenantKeyRow>('tenant_key_current', CURRENT, [environment, tenantId]);
    if (!row) return null;
    return cachedKey(row.id) ?? unwrap(row);
  };

  const create = async (environment: string, tenantId: string): Promise<void> => {
    const [root] = rootKeys;
    const keyId = newId('tk', randomness);
    const bytes = randomness.bytes(KEY_BYTES);
    const wrapped = wrapKey(root, { keyId, environment, tenantId }, bytes, randomness);
    bytes.fill(0);
    await db.query('tenant_key_create', CREATE, [
      keyId,
      environment,
      tenantId,
      root.id,
      wrapped,
      clock.now(),
    ]);
  };

  return {
    /** Lets a tenant have a key, whichever root key wraps it. */
    async ensureKey(environment: string, tenantId: string): Promise<void> {
      const [row] = await db.query<TenantKeyRow>('tenant_key_current', CURRENT, [environment, tenantId]);
      if (!row) await create(environment, tenantId);
    },
    /**
     * The key that seals for a tenant now. Asked of the database each time: another replica may have deleted the tenant,
     * and what a destroyed key sealed would be lost at the next start.
     */
    async currentKey(environment: string, tenantId: string): Promise<TenantKey> {
      const existing = await readCurrent(environment, tenantId);
      if (existing) return existing;
      await create(environment, tenantId);
      const made = await readCurrent(environment, tenantId);
      if (!made) throw new VaultError('The tenant was deleted while its key was made: try again.');
      return made;
    },
    /** The key an envelope names. The envelope's own binding decides whether it is the tenant's. */
    async keyById(keyId: string): Promise<TenantKey> {
      const cached = cachedKey(keyId);
      if (cached) return cached;
      const [row] = await db.query<TenantKeyRow>('tenant_key_by_id', BY_ID, [keyId]);
      if (!row) throw new VaultError('The key of the envelope is gone: its tenant was deleted.');
      return unwrap(row);
    },
    /** Destroys a tenant's keys, in the database and in this process's memory; in others within five minutes. */
    async destroy(environment: string, tenantId: string): Promise<void> {
      const values = [environment, tenantId];
      await db.query(
        'tenant_key_destroy',
        'DELETE FROM tenant_keys WHERE environment = $1 AND tenant_id = $2',
        values,
      );
      const owner = ownerOf(environment, tenantId);
      for (const [id, cached] of byId.entries()) {
        if (cached.owner === owner) byId.delete(id);
      }
    },
  };
};

/** The keys of all tenants. */
export type TenantKeys = ReturnType<typeof createTenantKeys>;
