import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { VaultError } from './vault.js';

/** @see NIST SP 800-38D section 5.2.1.1: 96-bit nonces are the ones that GCM is made for */
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
const LENGTH_BYTES = 4;

/**
 * Joins parts so that no two lists of parts give the same bytes: each is preceded by its length. Plain joining would let
 * a tenant choose an id that reads as another tenant's id and record.
 */
export const unambiguous = (parts: readonly string[]): Buffer => {
  const size = parts.reduce((sum, part) => sum + LENGTH_BYTES + Buffer.byteLength(part, 'utf8'), 0);
  const joined = Buffer.alloc(size);
  let end = 0;
  for (const part of parts) {
    const length = joined.write(part, end + LENGTH_BYTES, 'utf8');
    joined.writeUInt32BE(length, end);
    end += LENGTH_BYTES + length;
  }
  return joined;
};

/** AES-256-GCM: nonce, ciphertext and tag in one. The nonce must be random and never used twice with a key. */
export const sealBox = (key: KeyObject, nonce: Buffer, associatedData: Buffer, plaintext: Buffer): Buffer => {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
};

/** @throws VaultError when key, associated data or a single bit of the box is another */
export const openBox = (key: KeyObject, associatedData: Buffer, box: Buffer): Buffer => {
  if (box.length < NONCE_BYTES + TAG_BYTES) throw new VaultError('The envelope is too short to be one.');
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  try {
    const opened = decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES));
    // Holds nothing back, but is what checks the tag: before it, what was opened may be anything.
    decipher.final();
    return opened;
  } catch {
    // The library's error is dropped: it has nothing to say, and its stack holds the arguments.
    throw new VaultError('The envelope does not open: it was altered, or sealed for another place.');
  }
};
