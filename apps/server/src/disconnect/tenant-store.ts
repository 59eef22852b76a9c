import type { Database } from '../db/database.js';
import type { Vault } from '../vault/vault.js';

/** What a tenant leaves behind when its connections are gone. */
export const createTenantStore = ({ db, vault }: { readonly db: Database; readonly vault: Vault }) => ({
  /**
   * Erases the tenant's own integrations and connect sessions, then destroys its keys: whatever copy of its secrets is
   * left anywhere does not open any more. Fails while connections use its integrations.
   */
  async eraseTenant(environment: string, tenantId: string): Promise<void> {
    const values = [environment, tenantId];
    await db.query(
      'tenant_sessions_erase',
      'DELETE FROM connect_sessions WHERE environment = $1 AND tenant_id = $2',
      values,
    );
    await db.query(
      'tenant_integrations_erase',
      'DELETE FROM integrations WHERE environment = $1 AND tenant_id = $2',
      values,
    );
    await vault.forgetTenant(environment, tenantId);
  },
});

export type TenantStore = ReturnType<typeof createTenantStore>;
