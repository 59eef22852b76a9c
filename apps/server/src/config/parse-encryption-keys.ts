/** The length of a root key of the vault, in bytes: AES-256. */
export const ENCRYPTION_KEY_BYTES = 32;

/** What to say to whoever needs a key. */
export const HOW_TO_MAKE_A_KEY = 'make one with `openssl rand -base64 32`';

/** Keys, or what is wrong with them; never with a part of them. */
export type ParsedEncryptionKeys =
  | { readonly ok: true; readonly keys: readonly Buffer[] }
  | { readonly ok: false; readonly error: string };

const parseKey = (text: string): Buffer | string => {
  const key = Buffer.from(text, 'base64');
  // Node decodes leniently: what it skipped or cut would make another key than the one that was meant.
  if (key.toString('base64') !== text) return 'is not base64';
  if (key.length !== ENCRYPTION_KEY_BYTES) {
    return `has ${key.length} bytes instead of ${ENCRYPTION_KEY_BYTES}`;
  }
  return key;
};

/** Reads root keys, each 32 bytes in base64, comma-separated. @see RFC 4648 section 4 */
export const parseEncryptionKeys = (text: string): ParsedEncryptionKeys => {
  const parsed = text.split(',').map((part) => parseKey(part.trim()));
  const faults = parsed.flatMap((each, index) => {
    if (typeof each !== 'string') return [];
    return parsed.length === 1 ? [each] : [`${each} (key ${index + 1} of ${parsed.length})`];
  });
  if (faults.length > 0) return { ok: false, error: `${faults.join(', and ')}: ${HOW_TO_MAKE_A_KEY}` };
  return { ok: true, keys: parsed.filter((each) => typeof each !== 'string') };
};
