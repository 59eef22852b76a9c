import type { Logger } from '../../log/logger.js';
import type { AppSetup } from './app-setup.js';

/** What happened to a set-up, in words that hold nothing that was typed. */
export interface AuditedSetup {
  /** By this field the lines are found. */
  readonly audit: 'setup.link_made' | 'setup.opened' | 'setup.tried';
  /** Of a trial: whether the app was saved. */
  readonly outcome?: string;
  /** Of a trial: the steps that were missing. */
  readonly missing?: readonly string[];
}

/** Writes the line of the log by which an audit follows the set-up of an OAuth app: for whom, what, and how it went. */
export const writeSetupAuditLine = (
  log: Logger,
  { id, environment, tenantId, integrationId, provider }: AppSetup,
  what: AuditedSetup,
): void => {
  log.info(
    { setupId: id, environment, tenantId, integrationId, provider, ...what },
    'an administrator sets an OAuth app up',
  );
};
