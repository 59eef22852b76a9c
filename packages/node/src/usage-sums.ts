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
/**
 * Counts how often each connection's credential was served from memory, for the server's audit: it can't see those reads.
 * The sums go along with the next calls to the server, so that they cost no request and no timer: each credential is asked
 * for anew within the hour, so that there are as many calls.
 */
export class UsageSums {
  readonly #counts = new Map<string, number>();

  /** Counts a read. */
  readonly add = (connectionId: string): void => {
    const count = this.#counts.get(connectionId);
    if (count !== undefined || this.#counts.size < MAX_COUNTED)
      this.#counts.set(connectionId, (count ?? 0) + 1);
  };

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
