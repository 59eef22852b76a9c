import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { StartError } from '../errors/start-error.js';
import type { Randomness } from '../randomness.js';
import type { RootKey } from './root-key.js';
import { NONCE_BYTES, openBox, sealBox, unambiguous } from './sealed-box.js';
import { createTenantKeys, type TenantKey, type TenantKeys } from './tenant-keys.js';
import { type SecretPlace, type Vault, VaultError } from './vault.js';

/** First byte of every envelope. Another layout gets another number, and old envelopes stay readable. */
const FORMAT = 1;

/** Whatever is given in the environment, the product's own key exists from the first start: it proves the root key. */
const CANARY = { environment: '', tenantId: '' };

const ROOT_KEYS_IN_USE = 'SELECT DISTINCT root_key_id FROM tenant_keys ORDER BY root_key_id';

/** Each root key that ever wrapped something here must be given. Fingerprints tell: equal ones are equal keys. */
const checkRootKeys = async (
  db: Database,
  rootKeys: readonly RootKey[],
  isDevelopmentKey: boolean,
): Promise<void> => {
  const inUse = await db.query<{ root_key_id: string }>('vault_root_keys', ROOT_KEYS_IN_USE, []);
  const missing = inUse.find((row) => !rootKeys.some(({ id }) => id === row.root_key_id));
  if (!missing) return;
  const given = rootKeys.map(({ id }) => id).join(', ');
  const sealedWith = `The vault was sealed with the root key ${missing.root_key_id}`;
  throw new StartError(
    isDevelopmentKey
      ? `${sealedWith}, and AUTHPIPE_ENCRYPTION_KEY is not set, so that the development key of the data folder (${given}) was tried: set AUTHPIPE_ENCRYPTION_KEY to the key that sealed it, or AUTHPIPE_DATA_DIR to the folder whose development key did.`
      : `${sealedWith}, and AUTHPIPE_ENCRYPTION_KEY holds ${given}: put the right key there, beside a new one if you are changing keys.`,
  );
};

/** The product's own key must open. A tenant's that was altered is that tenant's trouble, not everybody's. */
const checkCanary = async (keys: TenantKeys): Promise<void> => {
  try {
    await keys.currentKey(CANARY.environment, CANARY.tenantId);
  } catch (error) {
    throw new StartError(
      'The product’s own key in the database was altered: restore the table tenant_keys from a backup.',
      { cause: error },
    );
  }
};

const associatedData = (
  keyId: string,
  { environment, tenantId, record, field, version }: SecretPlace,
): Buffer =>
  unambiguous([
    'authpipe secret',
    String(FORMAT),
    keyId,
    environment,
    tenantId,
    record,
    field,
    String(version),
  ]);

/** An envelope: format, length of the key's id, the id, and the sealed box. */
const pack = (keyId: string, box: Buffer): Uint8Array<ArrayBuffer> => {
  const id = Buffer.from(keyId, 'latin1');
  const envelope = new Uint8Array(2 + id.length + box.length);
  envelope.set([FORMAT, id.length]);
  envelope.set(id, 2);
  envelope.set(box, 2 + id.length);
  return envelope;
};

const unpack = (envelope: Uint8Array): { keyId: string; box: Buffer } => {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
  if (bytes[0] !== FORMAT) throw new VaultError('The envelope has a format that this version does not know.');
  const boxAt = 2 + (bytes[1] ?? 0);
  return { keyId: bytes.toString('latin1', 2, boxAt), box: bytes.subarray(boxAt) };
};

/**
 * Opens the vault: AES-256-GCM with a random key per tenant, each wrapped by a root key.
 * @throws StartError when a root key that is needed is missing or wrong
 */
export const openVault = async ({
  db,
  rootKeys,
  isDevelopmentKey = false,
  clock,
  randomness,
}: {
  readonly db: Database;
  /** The first wraps, all unwrap. */
  readonly rootKeys: readonly RootKey[];
  /** Whether the root key was made in the data folder since none was given; for the message. Default: false. */
  readonly isDevelopmentKey?: boolean;
  readonly clock: Clock;
  readonly randomness: Randomness;
}): Promise<Vault> => {
  const [first, ...others] = rootKeys;
  if (!first)
    throw new StartError(
      'There is no root key: set AUTHPIPE_ENCRYPTION_KEY (make one with `openssl rand -base64 32`).',
    );
  const keys = createTenantKeys({ db, rootKeys: [first, ...others], clock, randomness });
  // Made before the check: of two first starts with different root keys, one must fail.
  await keys.ensureKey(CANARY.environment, CANARY.tenantId);
  await checkRootKeys(db, rootKeys, isDevelopmentKey);
  await checkCanary(keys);
  const sealWith = ({ id, key }: TenantKey, place: SecretPlace, plaintext: string) =>
    pack(
      id,
      sealBox(key, randomness.bytes(NONCE_BYTES), associatedData(id, place), Buffer.from(plaintext, 'utf8')),
    );

  return {
    async seal(place, plaintext) {
      return sealWith(await keys.currentKey(place.environment, place.tenantId), place, plaintext);
    },
    async openForChange(place, envelope) {
      const { keyId, box } = unpack(envelope);
      const tenantKey = await keys.keyById(keyId);
      return {
        plaintext: openBox(tenantKey.key, associatedData(keyId, place), box).toString('utf8'),
        seal: (next, plaintext) => sealWith(tenantKey, next, plaintext),
      };
    },
    async open(place, envelope) {
      const { keyId, box } = unpack(envelope);
      const { key } = await keys.keyById(keyId);
      return openBox(key, associatedData(keyId, place), box).toString('utf8');
    },
    forgetTenant: (environment, tenantId) => keys.destroy(environment, tenantId),
  };
};
