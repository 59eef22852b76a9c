import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Vault } from '../vault/vault.js';

/** Two weeks: no delivery is kept for longer. */
const DELIVERIES_KEPT_SECONDS = 14 * 86_400;

/** A delivery that is still to be made tells the app of the end; it goes when it was made. */
const ERASE_DELIVERIES = `DELETE FROM webhook_deliveries d USING audit_heads h
  WHERE h.erased_at > $1 AND d.status <> 'pending' AND d.time <= h.erased_at
    AND d.payload->>'environment' = h.environment AND d.payload->>'tenantId' = h.tenant_id`;

/** What a tenant leaves behind when its connections are gone. */
export const createTenantStore = ({ db, vault }: { readonly db: Database; readonly vault: Vault }) => ({
  /**
   * Erases the tenant's own integrations, their set-ups and connect sessions, then destroys its keys: whatever copy of its secrets is
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
      'tenant_setups_erase',
      'DELETE FROM app_setups WHERE environment = $1 AND tenant_id = $2',
      values,
    );
    await db.query(
      'tenant_integrations_erase',
      'DELETE FROM integrations WHERE environment = $1 AND tenant_id = $2',
      values,
    );
    await vault.forgetTenant(environment, tenantId);
  },

  /** Forgets the webhooks that told of tenants that were erased since, but for those that are still to be sent. */
  async eraseDeliveries(now: Date): Promise<void> {
    const since = addSeconds(now, -DELIVERIES_KEPT_SECONDS);
    await db.query('tenant_deliveries_erase', ERASE_DELIVERIES, [since], { mayTakeLong: true });
  },
});

export type TenantStore = ReturnType<typeof createTenantStore>;
