import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Vault } from '../vault/vault.js';

/** Two weeks: no delivery is kept for longer. */
const DELIVERIES_KEPT_SECONDS = 14 * 86_400;

// What is still to be sent is left alone, and of the outbox what an endpoint has not taken yet, or is about a connection that
// is there. A deletion stays until it is too old: nothing else that streams and replays tell of the tenant matters after it.
// That something is gone is not noted as swept: nobody has to begin anew for it who is told of the deletions.
const ERASE_TOLD = `WITH erased AS (
    SELECT environment, tenant_id, erased_at, (SELECT min(queued_up_to) FROM webhook_endpoints e
      WHERE e.environment = h.environment) AS queued_up_to
    FROM audit_heads h WHERE erased_at > $1
  ), deliveries AS (
    DELETE FROM webhook_deliveries d USING erased t
    WHERE d.status <> 'pending' AND d.type <> 'connection.deleted' AND d.time <= t.erased_at
      AND d.payload->>'environment' = t.environment AND d.payload->>'tenantId' = t.tenant_id
  )
  DELETE FROM events v USING erased t
  WHERE v.environment = t.environment AND v.tenant_id = t.tenant_id
    AND v.type <> 'connection.deleted' AND v.time <= t.erased_at
    AND v.position <= coalesce(t.queued_up_to, v.position)
    AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.id = v.connection_id)`;

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

  /**
   * Forgets the events and webhooks that told of tenants that were erased, but for deletions, and for what is still to be
   * sent. To be called at the erasure, and again for what was sent since.
   */
  async eraseTold(now: Date): Promise<void> {
    const since = addSeconds(now, -DELIVERIES_KEPT_SECONDS);
    await db.query('tenant_told_erase', ERASE_TOLD, [since], { mayTakeLong: true });
  },
});

export type TenantStore = ReturnType<typeof createTenantStore>;
