import type { Clock } from '../clock.js';
import { auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import { type ConnectionStore, connectionNotFound } from './connection-store.js';
import type { ConnectionRecord } from './credential-record.js';

/** A secret that a connection holds beside its credential, without its value. */
export interface NamedSecretInfo {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface SecretRow {
  readonly name: string;
  readonly version: number;
  readonly envelope: Uint8Array;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Writes of others that a write gives way to before it gives up. */
const MAX_ATTEMPTS = 8;

const place = (
  { id, environment, tenantId }: ConnectionRecord,
  name: string,
  version: number,
): SecretPlace => ({ environment, tenantId, record: id, field: `secret:${name}`, version });

const noSuchSecret = (): Problem =>
  new Problem('not_found', 'The connection holds no secret of that name: PUT it first.');

/** Named secrets: a provider's webhook secret, say. */
export const createNamedSecretStore = ({
  db,
  vault,
  clock,
  connections,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly connections: Pick<ConnectionStore, 'findRecord'>;
}) => {
  const connectionOf = async (id: string, environment: string): Promise<ConnectionRecord> => {
    const record = await connections.findRecord(id, environment);
    if (!record) throw connectionNotFound();
    return record;
  };

  const read = async (connectionId: string, name: string): Promise<SecretRow | undefined> => {
    const [row] = await db.query<SecretRow>(
      'named_secret',
      `SELECT name, version, envelope, created_at, updated_at FROM named_secrets
       WHERE connection_id = $1 AND name = $2`,
      [connectionId, name],
    );
    return row;
  };

  return {
    /** Keeps a value under a name; the one that was there is replaced. @throws Problem `connection_not_found` */
    async putSecret(
      connectionId: string,
      environment: string,
      name: string,
      value: string,
    ): Promise<NamedSecretInfo> {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const connection = await connectionOf(connectionId, environment);
        const version = ((await read(connectionId, name))?.version ?? 0) + 1;
        const envelope = await vault.seal(place(connection, name, version), value);
        const [row] = await db.query<SecretRow>(
          'named_secret_put',
          // Locked, so that a connection that is being deleted is found to be gone.
          `WITH c AS (SELECT id, environment, tenant_id FROM connections WHERE id = $1 FOR KEY SHARE), kept AS (
           INSERT INTO named_secrets AS s (connection_id, name, version, envelope, created_at, updated_at)
           SELECT c.id, $2::text, $3::int, $4::bytea, $5::timestamptz, $5::timestamptz FROM c
           ON CONFLICT (connection_id, name) DO UPDATE
             SET version = excluded.version, envelope = excluded.envelope, updated_at = excluded.updated_at
             WHERE s.version = excluded.version - 1
           RETURNING name, version, created_at, updated_at
           ), audited AS (${insertAudit({
             environment: 'c.environment',
             tenantId: 'c.tenant_id',
             connectionId: 'c.id',
             action: "'secret.stored'",
             time: '$5::timestamptz',
             content: '$6::jsonb',
             from: 'c, kept',
           })})
           SELECT * FROM kept`,
          [
            ...[connectionId, name, version, envelope, clock.now()],
            JSON.stringify(auditContent({ name, version })),
          ],
        );
        if (row) return { name, version, createdAt: row.created_at, updatedAt: row.updated_at };
      }
      throw new Problem('conflict', 'The secret is being changed by others at the same time: try again.');
    },

    /** The value, opened. @throws Problem `connection_not_found`, `not_found` */
    async getSecret(
      connectionId: string,
      environment: string,
      name: string,
    ): Promise<NamedSecretInfo & { value: string }> {
      const connection = await connectionOf(connectionId, environment);
      const row = await read(connectionId, name);
      if (!row) throw noSuchSecret();
      const value = await vault.open(place(connection, name, row.version), row.envelope);
      return { name, version: row.version, createdAt: row.created_at, updatedAt: row.updated_at, value };
    },

    /** Forgets it. @throws Problem `connection_not_found`, `not_found` */
    async deleteSecret(connectionId: string, environment: string, name: string): Promise<void> {
      await connectionOf(connectionId, environment);
      const gone = await db.query(
        'named_secret_delete',
        `WITH gone AS (
           DELETE FROM named_secrets WHERE connection_id = $1 AND name = $2 RETURNING connection_id, name
         ), audited AS (${insertAudit({
           environment: 'c.environment',
           tenantId: 'c.tenant_id',
           connectionId: 'c.id',
           action: "'secret.deleted'",
           time: '$3::timestamptz',
           content: '$4::jsonb',
           from: 'gone JOIN connections c ON c.id = gone.connection_id',
         })})
         SELECT name FROM gone`,
        [connectionId, name, clock.now(), JSON.stringify(auditContent({ name }))],
      );
      if (gone.length === 0) throw noSuchSecret();
    },
  };
};

export type NamedSecretStore = ReturnType<typeof createNamedSecretStore>;
