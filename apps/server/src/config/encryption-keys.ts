import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import { developmentKey } from './development-key.js';
import { HOW_TO_MAKE_A_KEY } from './parse-encryption-keys.js';
import type { Config } from './read-config.js';

/**
 * The root keys of the vault: the ones given, or in development one that is made in the data folder, with a warning.
 * Commands that open no vault don't ask, and need none.
 * @throws StartError in production when none is given
 */
export const encryptionKeysOf = (
  { encryptionKeys, isProduction, dataDir }: Pick<Config, 'encryptionKeys' | 'isProduction' | 'dataDir'>,
  { log, randomBytes }: { readonly log: Logger; readonly randomBytes: (length: number) => Buffer },
): readonly Buffer[] => {
  if (encryptionKeys !== null) return encryptionKeys;
  if (isProduction) {
    throw new StartError(
      `AUTHPIPE_ENCRYPTION_KEY is missing: ${HOW_TO_MAKE_A_KEY}, and keep it where backups are not.`,
    );
  }
  const { path, keys } = developmentKey(dataDir, randomBytes);
  log.warn(
    { file: path },
    'sealing with a development key from the data folder: set AUTHPIPE_ENCRYPTION_KEY in production',
  );
  return keys;
};
