import type { Logger } from '../log/logger.js';
import type { Config } from './read-config.js';

/** Tells an operator whose production runs on the embedded database, which serves one process and has no backups. */
export const warnOfEmbedded = (
  { isProduction, databaseUrl, dataDir }: Pick<Config, 'isProduction' | 'databaseUrl' | 'dataDir'>,
  log: Logger,
): void => {
  if (!isProduction || databaseUrl !== undefined) return;
  log.warn(
    { dataDir },
    'running in production on the embedded database, which is for trying Authpipe out: one process, no replicas, no backups; set DATABASE_URL to a Postgres',
  );
};
