/**
 * Where a secret belongs. It is bound into the ciphertext: what was sealed for one place opens in no other, and an older
 * version does not open as a newer one.
 */
export interface SecretPlace {
  readonly environment: string;
  /** Empty for what belongs to the whole product. */
  readonly tenantId: string;
  /** Id of the row that holds the envelope. */
  readonly record: string;
  readonly field: string;
  /** Grows with every change of the secret. */
  readonly version: number;
}

/** Seals and opens secrets, each with its tenant's key. Only stores use it. */
export interface Vault {
  /**
   * Seals a secret for its place, with the tenant's key, which is made at first use. Never call it inside a database
   * transaction: it may have to read or write the key.
   */
  seal(place: SecretPlace, plaintext: string): Promise<Uint8Array<ArrayBuffer>>;
  /** @throws VaultError when the envelope was altered, belongs to another place, or its key was destroyed */
  open(place: SecretPlace, envelope: Uint8Array): Promise<string>;
  /**
   * Opens a secret that is about to be replaced, and seals what replaces it with the same key, at once and without the
   * database: a token that the provider gives only once can be put away even when the database is not there.
   * @throws VaultError as `open`
   */
  openForChange(
    place: SecretPlace,
    envelope: Uint8Array,
  ): Promise<{
    readonly plaintext: string;
    readonly seal: (next: SecretPlace, plaintext: string) => Uint8Array<ArrayBuffer>;
  }>;
  /** Destroys the keys of a tenant: nothing that they sealed opens again, here or from a backup of other tables. */
  forgetTenant(environment: string, tenantId: string): Promise<void>;
}

/** A secret did not open. The message names no secret, and no place: both may be what an attacker wants to learn. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}
