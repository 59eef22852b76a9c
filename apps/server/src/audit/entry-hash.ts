import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';

/** One chain: that of an environment and tenant. */
export interface ChainPlace {
  readonly environment: string;
  /** Empty for what belongs to the product. */
  readonly tenantId: string;
}

/** All of an entry that its hash binds, beside the hash before. */
export interface HashedEntry extends ChainPlace {
  readonly position: number;
  readonly sequence: number;
  readonly time: Date;
  readonly action: string;
  readonly connectionId: string | null;
  readonly contentHash: Uint8Array;
}

/** How far a chain goes, and from where. */
export interface ChainEnds extends ChainPlace {
  readonly position: number;
  readonly hash: Uint8Array;
  readonly firstPosition: number;
  readonly firstPreviousHash: Uint8Array;
  readonly erasedAt: Date | null;
}

/** Before the first entry of a chain there is this. */
export const GENESIS: Uint8Array<ArrayBuffer> = new Uint8Array(32);

/** Bytes of randomness that keep an erased content from being guessed. */
export const SALT_BYTES = 16;

/** Bytes as the canonical texts hold them. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** SHA-256 of the salt and the canonical JSON of the content. */
export const contentHash = (salt: Uint8Array, content: unknown): Buffer =>
  createHash('sha256').update(salt).update(canonicalJson(content)).digest();

/**
 * SHA-256 of the canonical JSON of an entry and the hash before it. No key: whoever has an export can check that nothing
 * in it was changed, taken out or moved since its last hash was written down.
 */
export const entryHash = (previous: Uint8Array, entry: HashedEntry): Buffer =>
  createHash('sha256')
    .update(
      canonicalJson({
        format: 1,
        previous: hex(previous),
        environment: entry.environment,
        tenantId: entry.tenantId,
        position: entry.position,
        sequence: entry.sequence,
        time: entry.time.toISOString(),
        action: entry.action,
        connectionId: entry.connectionId,
        content: hex(entry.contentHash),
      }),
    )
    .digest();

const sealOf = (key: KeyObject, what: object): Buffer =>
  createHmac('sha256', key).update(canonicalJson(what)).digest();

/** HMAC that binds a hash to its place: who can write the database, but has no root key, can't make one. */
export const entrySeal = (
  key: KeyObject,
  { environment, tenantId }: ChainPlace,
  position: number,
  hash: Uint8Array,
): Buffer => sealOf(key, { seal: 'entry', environment, tenantId, position, hash: hex(hash) });

/** The same of a chain's ends. */
export const headSeal = (key: KeyObject, ends: ChainEnds): Buffer =>
  sealOf(key, {
    seal: 'head',
    environment: ends.environment,
    tenantId: ends.tenantId,
    position: ends.position,
    hash: hex(ends.hash),
    firstPosition: ends.firstPosition,
    firstPreviousHash: hex(ends.firstPreviousHash),
    erasedAt: ends.erasedAt?.toISOString() ?? null,
  });
