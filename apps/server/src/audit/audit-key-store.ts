import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Randomness } from '../randomness.js';
import { openVault } from '../vault/open-vault.js';
import { rootKeyOf } from '../vault/root-key.js';
import type { SecretPlace, Vault } from '../vault/vault.js';

/** The key that seals the audit's hashes: made once for a database, kept under the root key. */
export type AuditKey = () => Promise<KeyObject>;

const KEY_BYTES = 32;
const PLACE: SecretPlace = { environment: '', tenantId: '', record: 'audit', field: 'seal-key', version: 1 };

/** Opens the key at its first use, and makes it where there is none. */
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
  const read = async (): Promise<KeyObject | null> => {
    const [row] = await db.query<{ envelope: Uint8Array }>(
      'audit_key',
      `SELECT envelope FROM audit_keys WHERE place = 'this'`,
      [],
    );
    return row ? createSecretKey(await vault.open(PLACE, row.envelope), 'base64') : null;
  };
  return async () => {
    opened ??= await read();
    if (opened) return opened;
    const envelope = await vault.seal(PLACE, randomness.bytes(KEY_BYTES).toString('base64'));
    // Of replicas that make one at the same time, one wins.
    await db.query(
      'audit_key_create',
      `INSERT INTO audit_keys (place, envelope, created_at) VALUES ('this', $1, $2) ON CONFLICT DO NOTHING`,
      [envelope, clock.now()],
    );
    opened = await read();
    if (!opened) throw new TypeError('the key of the audit was taken away while it was made');
    return opened;
  };
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
