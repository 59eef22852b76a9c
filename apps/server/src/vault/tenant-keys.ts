import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { type RootKey, unwrapKey, wrapKey } from './root-key.js';
import { KEY_BYTES } from './sealed-box.js';
import { VaultError } from './vault.js';

/** A tenant's key, unwrapped. */
export interface TenantKey {
  readonly id: string;
  readonly key: Buffer;
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
  const byId = new LRUCache<string, TenantKey & { readonly owner: string }>({ max: MAX_CACHED_KEYS });
  const ownerOf = (environment: string, tenantId: string): string => JSON.stringify([environment, tenantId]);

  const unwrap = (row: TenantKeyRow): TenantKey => {
    const root = rootKeys.find(({ id }) => id === row.root_key_id);
    if (!root)
      throw new VaultError(
        `A tenant's key is wrapped by the root key ${row.root_key_id}, which is not given.`,
      );
    const place = { keyId: row.id, environment: row.environment, tenantId: row.tenant_id };
    const owner = ownerOf(row.environment, row.tenant_id);
    const found = { id: row.id, key: unwrapKey(root, place, row.wrapped_key), owner };
    byId.set(row.id, found);
    return found;
  };

  const readCurrent = async (environment: string, tenantId: string): Promise<TenantKey | null> => {
    const [row] = await db.query<TenantKeyRow>('tenant_key_current', CURRENT, [environment, tenantId]);
    if (!row) return null;
    return byId.get(row.id) ?? unwrap(row);
  };

  const create = async (environment: string, tenantId: string): Promise<void> => {
    const [root] = rootKeys;
    const keyId = newId('tk', randomness);
    const wrapped = wrapKey(root, { keyId, environment, tenantId }, randomness.bytes(KEY_BYTES), randomness);
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
      const cached = byId.get(keyId);
      if (cached) return cached;
      const [row] = await db.query<TenantKeyRow>('tenant_key_by_id', BY_ID, [keyId]);
      if (!row) throw new VaultError('The key of the envelope is gone: its tenant was deleted.');
      return unwrap(row);
    },
    /** Destroys a tenant's keys, in the database and in memory. */
    async destroy(environment: string, tenantId: string): Promise<void> {
      const values = [environment, tenantId];
      await db.query(
        'tenant_key_destroy',
        'DELETE FROM tenant_keys WHERE environment = $1 AND tenant_id = $2',
        values,
      );
      const owner = ownerOf(environment, tenantId);
      for (const [id, cached] of byId.entries()) {
        if (cached.owner !== owner) continue;
        cached.key.fill(0);
        byId.delete(id);
      }
    },
  };
};

/** The keys of all tenants. */
export type TenantKeys = ReturnType<typeof createTenantKeys>;
