import type { ConnectionRecord, StoredCredential } from '../credentials/credential-record.js';
import type { Suspect } from '../outages/outages.js';

/** A connection whose refresh failed, as the outage rule looks at it. */
export const suspectOf = (
  { connection, workedAt }: Pick<StoredCredential, 'connection' | 'workedAt'>,
  hostOf: (connection: ConnectionRecord) => string,
): Suspect => ({
  connectionId: connection.id,
  environment: connection.environment,
  integrationRowId: connection.integrationRowId,
  host: hostOf(connection),
  hasWorked: workedAt !== null,
});
