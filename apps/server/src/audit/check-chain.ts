import { type KeyObject, timingSafeEqual } from 'node:crypto';
import type { AuditFault } from '@authpipe/types';
import { type ChainHead, isSealed, trustedEnds } from './chain-head.js';
import { type ChainPlace, contentHash, entryHash, entrySeal, type HashedEntry } from './entry-hash.js';
import { isErasedBy } from './erasure.js';

/** An entry as it is stored. */
export interface StoredEntry extends HashedEntry {
  /** `null` with the salt, when it was erased. */
  readonly content: unknown;
  readonly salt: Uint8Array | null;
  readonly hash: Uint8Array;
  readonly seal: Uint8Array;
}

type Fault = Omit<AuditFault, 'environment' | 'tenantId'>;

/** An entry that is in doubt, until all of its chain has been seen. */
interface Doubtful {
  readonly position: number;
  readonly hash: Uint8Array;
  readonly seal: Uint8Array;
  /** Whether its hash is the one that the server wrote at this place. */
  readonly isSealedHere: boolean;
  readonly detail: string;
}

/** Misplaced entries are looked for among so many that are in doubt. */
const MAX_DOUBTFUL = 500;

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

const range = (from: number, to: number): string =>
  from === to ? `entry ${from} was` : `entries ${from} to ${to} were`;

/** Checks one chain, entry by entry in the order of their positions, and says in the end what is wrong with it. */
export const createChainCheck = (key: KeyObject, stored: ChainHead) => {
  const head = trustedEnds(key, stored);
  const place: ChainPlace = { environment: head.environment, tenantId: head.tenantId };
  const faults: Fault[] = [];
  const doubtful: Doubtful[] = [];
  const isHeadWhole = isSealed(key, stored);
  let next = head.firstPosition;
  let previous: Uint8Array | null = head.firstPreviousHash;
  let lastHash: Uint8Array = head.firstPreviousHash;
  let [entries, erased] = [0, 0];

  /** What does not fit in an entry; `null` when all does. */
  const doubtOf = (entry: StoredEntry): string | null => {
    if (entry.content === null || entry.salt === null) {
      if (!isErasedBy(head.erasedAt, entry)) {
        return 'its content was taken out, and its tenant was not erased since';
      }
    } else if (!equal(contentHash(entry.salt, entry.content), entry.contentHash)) {
      return 'who, where, result or details is not what was written';
    }
    if (previous !== null && !equal(entryHash(previous, entry), entry.hash)) {
      return 'time, action, connection, place or the hash before is not what was written';
    }
    return equal(entrySeal(key, place, entry.position, entry.hash), entry.seal)
      ? null
      : 'its hash is not one that this server wrote there';
  };

  const settleDoubts = (): void => {
    for (const { position, seal, hash, isSealedHere, detail } of doubtful) {
      const home = isSealedHere
        ? undefined
        : doubtful.find(
            (other) =>
              other.position !== position && equal(entrySeal(key, place, other.position, hash), seal),
          );
      faults.push(
        home
          ? {
              position,
              fault: 'out_of_order',
              detail: `it is the entry that was written as ${home.position}`,
            }
          : { position, fault: 'changed', detail },
      );
    }
  };

  return {
    /** Looks at an entry before the first: one that was forgotten and is yet to be deleted is no fault. */
    seeBefore({ position, salt, content, contentHash: hashed, hash, seal }: StoredEntry): void {
      const isContentWhole = content === null || (salt !== null && equal(contentHash(salt, content), hashed));
      if (isContentWhole && equal(entrySeal(key, place, position, hash), seal)) return;
      const detail = `the chain begins at ${head.firstPosition}`;
      faults.push({ position, fault: 'added', detail });
    },

    /** Looks at the next entry. */
    see(entry: StoredEntry): void {
      entries += 1;
      if (entry.content === null) erased += 1;
      if (entry.position > head.position) {
        const detail = `the chain ends at ${head.position}`;
        faults.push({ position: entry.position, fault: 'added', detail });
        return;
      }
      if (entry.position > next) {
        const detail = `${range(next, entry.position - 1)} taken out`;
        faults.push({ position: next, fault: 'missing', detail });
        previous = null;
      }
      const detail = doubtOf(entry);
      if (detail === null && previous === null) {
        // Its hash is the one that was written there; whether of this, only the hash before could tell.
        const unproved = "whether it says what was written can't be told without the entry before it";
        faults.push({ position: entry.position, fault: 'unproved', detail: unproved });
      }
      if (detail !== null && doubtful.length < MAX_DOUBTFUL) {
        const isSealedHere = equal(entrySeal(key, place, entry.position, entry.hash), entry.seal);
        doubtful.push({ position: entry.position, hash: entry.hash, seal: entry.seal, isSealedHere, detail });
      }
      previous = entry.hash;
      lastHash = entry.hash;
      next = entry.position + 1;
    },

    /** The verdict on all that was seen. */
    end() {
      settleDoubts();
      if (!isHeadWhole) {
        const detail = 'how far the chain goes is not what this server wrote: its end may be cut off';
        faults.push({ position: null, fault: 'head_changed', detail });
      }
      if (next <= head.position) {
        const detail = `${range(next, head.position)} cut off at the end`;
        faults.push({ position: next, fault: 'cut_off', detail });
      } else if (isHeadWhole && !equal(lastHash, head.hash) && faults.length === 0) {
        faults.push({
          position: head.position,
          fault: 'changed',
          detail: 'it is not the entry that the chain ended with',
        });
      }
      const named = faults.map((fault) => ({
        environment: place.environment,
        tenantId: place.tenantId === '' ? null : place.tenantId,
        ...fault,
      }));
      return { entries, erased, faults: named satisfies AuditFault[] };
    },
  };
};

export type ChainCheck = ReturnType<typeof createChainCheck>;
