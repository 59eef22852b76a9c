import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../errors/start-error.js';
import { ENCRYPTION_KEY_BYTES, parseEncryptionKeys } from './parse-encryption-keys.js';
import { systemErrorCode } from './system-error-code.js';

const FILE_NAME = 'encryption-key';
/** Permissions of the group and of others. Windows has none of them, and reports them all. */
const NOT_THE_OWNER = process.platform === 'win32' ? 0 : 0o077;

/** Written aside and linked into place: nobody ever reads half a key, and of two servers one makes it. */
const makeKeyFile = (path: string, randomBytes: (length: number) => Buffer): void => {
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(aside, `${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
    linkSync(aside, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
};

/**
 * The root key of a developer's server, made at first use: a file in the data folder that only its owner may read. It lies
 * beside the data that it protects, so production takes none from here.
 * @throws StartError when the file can't be made, or holds no key
 */
export const developmentKey = (
  dataDir: string,
  randomBytes: (length: number) => Buffer,
): { path: string; keys: readonly Buffer[] } => {
  const path = join(dataDir, FILE_NAME);
  let text: string;
  let mode: number;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    makeKeyFile(path, randomBytes);
    text = readFileSync(path, 'utf8');
    mode = statSync(path).mode;
  } catch (error) {
    throw new StartError(
      `The development key ${path} can't be made or read (${systemErrorCode(error)}): choose another folder with AUTHPIPE_DATA_DIR, or change its owner.`,
    );
  }
  if ((mode & NOT_THE_OWNER) !== 0) {
    throw new StartError(`Others may read the development key ${path}: run \`chmod 600 ${path}\`.`);
  }
  const parsed = parseEncryptionKeys(text.trim());
  if (!parsed.ok) {
    throw new StartError(
      `The development key ${path} ${parsed.error}, and put it there; or remove the whole folder ${dataDir}, with all its data.`,
    );
  }
  return { path, keys: parsed.keys };
};
