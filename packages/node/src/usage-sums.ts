/** Sums on their way to the server. */
export interface TakenSums {
  /** For the header: `conn_a=3, conn_b=1`. */
  readonly text: string;
  readonly counts: readonly (readonly [connectionId: string, count: number])[];
}

/** About 3 kB of header: servers and proxies take 8 at least. */
const MAX_TAKEN = 60;
/** Far more connections than a process reads between two calls; the rest is not counted. */
const MAX_COUNTED = 10_000;
/** A process that has all it needs in memory makes no call that could take its sums along: then they go alone. */
const LONGEST_WAIT_MILLIS = 300_000;

/**
 * Counts how often each connection's credential was served from memory, for the server's audit: it can't see those reads.
 * The sums go along with the next call to the server, so that they cost no request and no timer.
 */
export class UsageSums {
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  #waitingSince = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a read. Answers whether the sums have waited for long enough to be sent alone. */
  add(connectionId: string): boolean {
    const count = this.#counts.get(connectionId);
    const now = this.#now();
    if (this.#counts.size === 0) this.#waitingSince = now;
    if (count !== undefined || this.#counts.size < MAX_COUNTED)
      this.#counts.set(connectionId, (count ?? 0) + 1);
    if (now - this.#waitingSince < LONGEST_WAIT_MILLIS) return false;
    this.#waitingSince = now;
    return true;
  }

  /** Takes sums along, those that wait longest first; `undefined` where there are none. */
  take(): TakenSums | undefined {
    if (this.#counts.size === 0) return undefined;
    const counts: [string, number][] = [];
    for (const each of this.#counts) {
      if (counts.length === MAX_TAKEN) break;
      counts.push(each);
      this.#counts.delete(each[0]);
    }
    return { text: counts.map(([id, count]) => `${id}=${count}`).join(', '), counts };
  }

  /** Puts back what did not arrive. */
  giveBack({ counts }: TakenSums): void {
    for (const [id, count] of counts) this.#counts.set(id, (this.#counts.get(id) ?? 0) + count);
  }
}
