import { createHash, timingSafeEqual } from 'node:crypto';
import { type SecretPlace, type Vault, VaultError } from '../vault/vault.js';
import type { IntegrationRow } from './integration-record.js';

type RowIdentity = Pick<IntegrationRow, 'id' | 'environment' | 'tenant_id' | 'version'>;

/** Sealed client secrets: each is bound to its row and to the row's version. */
export interface ClientSecrets {
  seal(row: RowIdentity, secret: string): Promise<Uint8Array<ArrayBuffer>>;
  /** `null` when the row has none. @throws VaultError */
  open(row: IntegrationRow): Promise<string | null>;
  /** The same, and `null` also for one that does not open any more: a new secret mends that. */
  openIfPossible(row: IntegrationRow): Promise<string | null>;
}

const placeOf = ({ environment, tenant_id, id, version }: RowIdentity): SecretPlace => ({
  environment,
  tenantId: tenant_id,
  record: id,
  field: 'clientSecret',
  version,
});

/** The door between integrations and the vault. */
export const createClientSecrets = (vault: Vault): ClientSecrets => {
  const open = async (row: IntegrationRow): Promise<string | null> =>
    row.client_secret === null ? null : vault.open(placeOf(row), row.client_secret);

  return {
    seal: (row, secret) => vault.seal(placeOf(row), secret),
    open,
    openIfPossible: (row) =>
      open(row).catch((error: unknown) => {
        if (error instanceof VaultError) return null;
        throw error;
      }),
  };
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two secrets are equal, in a time that tells nothing of them. */
export const isSameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));
