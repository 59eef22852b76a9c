import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Randomness } from '../randomness.js';
import { openVault } from '../vault/open-vault.js';
import { rootKeyOf } from '../vault/root-key.js';
import type { SecretPlace, Vault } from '../vault/vault.js';

/** The key that seals the audit's hashes: made once for a database, kept under the root key. */
export interface AuditKey {
  /** Opens it at its first use, and makes it where there is none. */
  open(): Promise<KeyObject>;
  /** Since when the database has it, as it is now; `null` where it has none. */
  madeAt(): Promise<Date | null>;
}

const KEY_BYTES = 32;
const PLACE: SecretPlace = { environment: '', tenantId: '', record: 'audit', field: 'seal-key', version: 1 };

interface StoredKey {
  readonly key: KeyObject;
  readonly madeAt: Date;
}

/** The key, and the time that is sealed with it: who can write the database can't make it look younger. */
const textOf = (key: Buffer, madeAt: Date): string => `${key.toString('base64')} ${madeAt.toISOString()}`;

/** The key of the audit in this database. */
export const createAuditKey = ({
  db,
  vault,
  clock,
  randomness,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
}): AuditKey => {
  let opened: KeyObject | null = null;
  const read = async (): Promise<StoredKey | null> => {
    const [row] = await db.query<{ envelope: Uint8Array; createdAt: Date }>(
      'audit_key',
      `SELECT envelope, created_at AS "createdAt" FROM audit_keys WHERE place = 'this'`,
      [],
    );
    if (!row) return null;
    const [key = '', madeAt] = (await vault.open(PLACE, row.envelope)).split(' ');
    // Keys of before had no time sealed with them.
    return {
      key: createSecretKey(key, 'base64'),
      madeAt: madeAt === undefined ? row.createdAt : new Date(madeAt),
    };
  };
  const open = async (): Promise<KeyObject> => {
    opened ??= (await read())?.key ?? null;
    if (opened) return opened;
    const madeAt = clock.now();
    const envelope = await vault.seal(PLACE, textOf(randomness.bytes(KEY_BYTES), madeAt));
    // Of replicas that make one at the same time, one wins.
    await db.query(
      'audit_key_create',
      `INSERT INTO audit_keys (place, envelope, created_at) VALUES ('this', $1, $2) ON CONFLICT DO NOTHING`,
      [envelope, madeAt],
    );
    opened = (await read())?.key ?? null;
    if (!opened) throw new TypeError('the key of the audit was taken away while it was made');
    return opened;
  };
  return { open, madeAt: async () => (await read())?.madeAt ?? null };
};

/**
 * The same for the command line, which has root keys and no vault.
 * @throws StartError when they are not those of the database
 */
export const openAuditKey = async ({
  rootKeys,
  ...given
}: {
  readonly db: Database;
  readonly rootKeys: readonly Buffer[];
  readonly clock: Clock;
  readonly randomness: Randomness;
}): Promise<AuditKey> => {
  const vault = await openVault({ ...given, rootKeys: rootKeys.map(rootKeyOf) });
  return createAuditKey({ ...given, vault });
};
