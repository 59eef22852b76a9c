import type { ApiKeyIdentity } from '../access/api-key-store.js';
import { connectionNotFound } from '../credentials/connection-store.js';
import { Problem } from '../errors/problem.js';

/**
 * A key that is limited to a tenant may name no other.
 * @throws Problem `forbidden`
 */
export const requireTenant = (key: ApiKeyIdentity, tenantId: string): void => {
  if (key.tenantId !== null && key.tenantId !== tenantId) {
    throw new Problem(
      'forbidden',
      'This API key is limited to another tenant: use a key of this tenant, or one without a limit.',
    );
  }
};

/**
 * What belongs to the whole product is closed to a key that is limited to a tenant.
 * @throws Problem `forbidden`
 */
export const requireWholeProduct = (key: ApiKeyIdentity): void => {
  if (key.tenantId !== null) {
    throw new Problem(
      'forbidden',
      'This API key is limited to one tenant: what belongs to the whole product needs a key without a limit.',
    );
  }
};

/**
 * The connection, unless it belongs to a tenant that the key may not see: then it does not exist.
 * @throws Problem `connection_not_found`
 */
export const visibleTo = <Found extends { readonly id: string; readonly tenantId: string }>(
  key: ApiKeyIdentity,
  connection: Found,
): Found => {
  if (key.tenantId !== null && key.tenantId !== connection.tenantId) {
    throw connectionNotFound();
  }
  return connection;
};
