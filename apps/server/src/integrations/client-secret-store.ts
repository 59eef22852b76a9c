import { createHash, timingSafeEqual } from 'node:crypto';
import type { PrivateJwk } from '../jwk.js';
import { type SecretPlace, type Vault, VaultError } from '../vault/vault.js';
import type { IntegrationRow } from './integration-record.js';

type RowIdentity = Pick<IntegrationRow, 'id' | 'environment' | 'tenant_id' | 'version'>;

/** What proves a client: a secret that it sends, or a key that it signs with. */
export interface ClientProof {
  readonly clientSecret: string | null;
  readonly clientKey: PrivateJwk | null;
}

/** The same, sealed. */
export interface SealedProof {
  readonly client_secret: Uint8Array<ArrayBuffer> | null;
  readonly client_key: Uint8Array<ArrayBuffer> | null;
}

/** Sealed client secrets and keys: each is bound to its row, its field and the row's version. */
export interface ClientSecrets {
  seal(row: RowIdentity, proof: ClientProof): Promise<SealedProof>;
  /** `null` for what the row has not. @throws VaultError */
  open(row: IntegrationRow): Promise<ClientProof>;
  /** The same, and `null` also for what does not open any more: a new one mends that. */
  openIfPossible(row: IntegrationRow): Promise<ClientProof>;
}

const placeOf = (
  { environment, tenant_id, id, version }: RowIdentity,
  field: keyof ClientProof,
): SecretPlace => ({ environment, tenantId: tenant_id, record: id, field, version });

/** Sealed by this server from the same type; the vault refuses anything that was altered. */
const parseKey = (text: string | null): PrivateJwk | null =>
  text === null ? null : (JSON.parse(text) as PrivateJwk);

/** The door between integrations and the vault. */
export const createClientSecrets = (vault: Vault): ClientSecrets => {
  const sealOne = async (row: RowIdentity, field: keyof ClientProof, text: string | null) =>
    text === null ? null : vault.seal(placeOf(row, field), text);

  const openOne = async (row: IntegrationRow, field: keyof ClientProof, envelope: Uint8Array | null) =>
    envelope === null ? null : vault.open(placeOf(row, field), envelope);

  const orNull = (error: unknown): null => {
    if (error instanceof VaultError) return null;
    throw error;
  };

  return {
    seal: async (row, { clientSecret, clientKey }) => ({
      client_secret: await sealOne(row, 'clientSecret', clientSecret),
      client_key: await sealOne(row, 'clientKey', clientKey && JSON.stringify(clientKey)),
    }),
    open: async (row) => ({
      clientSecret: await openOne(row, 'clientSecret', row.client_secret),
      clientKey: parseKey(await openOne(row, 'clientKey', row.client_key)),
    }),
    openIfPossible: async (row) => ({
      clientSecret: await openOne(row, 'clientSecret', row.client_secret).catch(orNull),
      clientKey: parseKey(await openOne(row, 'clientKey', row.client_key).catch(orNull)),
    }),
  };
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two secrets are equal, in a time that tells nothing of them. */
export const isSameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));
