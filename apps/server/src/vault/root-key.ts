import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import type { Randomness } from '../randomness.js';
import { KEY_BYTES, NONCE_BYTES, openBox, sealBox, unambiguous } from './sealed-box.js';

/** A key that wraps tenants' keys and nothing else. */
export interface RootKey {
  /** Fingerprint: tells keys apart without telling the key. */
  readonly id: string;
  readonly key: KeyObject;
}

/** The length of a root key, in bytes. */
export const ROOT_KEY_BYTES = KEY_BYTES;

/** Names the use, so that the fingerprint is no hash that anything else computes of the key. */
const FINGERPRINT_DOMAIN = 'authpipe root key fingerprint v1';

/** A root key with its fingerprint. The key's bytes are copied, and kept out of anything that prints the object. */
export const rootKeyOf = (key: Buffer): RootKey => {
  const id = `rk_${createHash('sha256').update(FINGERPRINT_DOMAIN).update(key).digest('hex').slice(0, 16)}`;
  return Object.defineProperty({ id } as RootKey, 'key', { value: createSecretKey(key), enumerable: false });
};

/** The tenant that a wrapped key belongs to: bound into it, so that wrapped keys can't be swapped between tenants. */
export interface TenantKeyPlace {
  readonly keyId: string;
  readonly environment: string;
  readonly tenantId: string;
}

const associatedData = ({ keyId, environment, tenantId }: TenantKeyPlace, rootKeyId: string): Buffer =>
  unambiguous(['authpipe tenant key v1', rootKeyId, keyId, environment, tenantId]);

/** Wraps a tenant's key with a root key. */
export const wrapKey = (root: RootKey, place: TenantKeyPlace, key: Buffer, randomness: Randomness): Buffer =>
  sealBox(root.key, randomness.bytes(NONCE_BYTES), associatedData(place, root.id), key);

/** @throws VaultError when it was wrapped by another root key, for another tenant, or altered */
export const unwrapKey = (root: RootKey, place: TenantKeyPlace, wrapped: Uint8Array): Buffer =>
  openBox(root.key, associatedData(place, root.id), Buffer.from(wrapped));
