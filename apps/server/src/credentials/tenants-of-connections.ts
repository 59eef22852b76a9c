import type { Database } from '../db/database.js';

const TENANTS = `SELECT id, tenant_id AS "tenantId" FROM connections
  WHERE id = ANY ($1::text[]) AND environment = $2 AND ($3::text IS NULL OR tenant_id = $3)`;

/** Whose the connections are, by their ids; those of other environments, and of others than `tenantId`, are left out. */
export const findTenantsOfConnections = async (
  db: Database,
  ids: readonly string[],
  environment: string,
  tenantId: string | null,
): Promise<Map<string, string>> => {
  const rows = await db.query<{ id: string; tenantId: string }>('connection_tenants', TENANTS, [
    ...[[...ids], environment, tenantId],
  ]);
  return new Map(rows.map((row) => [row.id, row.tenantId]));
};
