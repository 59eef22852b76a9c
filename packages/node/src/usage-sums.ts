/** Sums on their way to the server. */
export interface TakenSums {
  /** For the header: `conn_a=3, conn_b=1`. */
  readonly text: string;
  readonly counts: readonly (readonly [connectionId: string, count: number])[];
}

/** A held credential, which counts how often it was served. */
export interface Used {
  readonly connectionId: string;
  uses: number;
}

/** About 3 kB of header: servers and proxies take 8 at least. */
const MAX_TAKEN = 60;
/** Far more connections than a process reads between two calls; the rest is not counted. */
const MAX_COUNTED = 10_000;
/**
 * Counts how often each connection's credential was served from memory, for the server's audit: it can't see those reads.
 * The sums go along with the next calls to the server, so that they cost no request and no timer: each credential is asked
 * for anew within the hour, so that there are as many calls.
 */
export class UsageSums {
  /** Held credentials that were served since they were last told of: each counts for itself, which costs a read least. */
  readonly #used = new Set<Used>();
  readonly #counts = new Map<string, number>();

  /** Counts a read. */
  add(used: Used): void {
    used.uses += 1;
    if (used.uses === 1) this.#used.add(used);
  }

  /** Takes over the count of a credential that is not held any more. */
  settle(used: Used): void {
    if (!this.#used.delete(used)) return;
    this.#count(used.connectionId, used.uses);
    used.uses = 0;
  }

  /** Takes sums along, those that wait longest first; `undefined` where there are none. */
  take(): TakenSums | undefined {
    for (const used of this.#used) {
      if (this.#counts.size >= MAX_TAKEN) break;
      this.settle(used);
    }
    if (this.#counts.size === 0) return undefined;
    const counts = [...this.#counts].slice(0, MAX_TAKEN);
    for (const [id] of counts) this.#counts.delete(id);
    return { text: counts.map(([id, count]) => `${id}=${count}`).join(', '), counts };
  }

  /** Puts back what did not arrive, or may not have: the server may then count it twice. */
  giveBack({ counts }: TakenSums): void {
    for (const [id, count] of counts) this.#count(id, count);
  }

  #count(connectionId: string, uses: number): void {
    const count = this.#counts.get(connectionId);
    if (count === undefined && this.#counts.size >= MAX_COUNTED) return;
    this.#counts.set(connectionId, (count ?? 0) + uses);
  }
}
