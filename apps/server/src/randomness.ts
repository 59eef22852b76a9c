import { randomBytes, randomInt } from 'node:crypto';

/** Where the server takes randomness from: injected, so that tests are repeatable where they need to be. */
export interface Randomness {
  /** Cryptographically strong random bytes. */
  bytes(length: number): Buffer;
  /** A number in [0, 1), for jitter. */
  fraction(): number;
}

const FRACTION_STEPS = 2 ** 32;

/** The operating system's generator. */
export const systemRandomness: Randomness = {
  bytes: randomBytes,
  fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
};

/** An opaque id with a prefix that says what it is of: `conn_` and 22 base64url characters (128 bits). */
export const newId = (prefix: IdPrefix, randomness: Randomness): string =>
  `${prefix}_${randomness.bytes(16).toString('base64url')}`;

/** What ids are of: connection, connect session, set-up of an OAuth app, event, integration, API key, tenant key, authorization request, request, node, deployment, webhook endpoint. */
export type IdPrefix =
  | 'conn'
  | 'sess'
  | 'setup'
  | 'evt'
  | 'int'
  | 'key'
  | 'tk'
  | 'areq'
  | 'req'
  | 'node'
  | 'dep'
  | 'whe';
