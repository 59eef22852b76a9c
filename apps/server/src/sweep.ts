/** What a sweep is made of. */
export interface SweepSteps<Claim> {
  /** Claims at most `limit` pieces of what is due at `now`, for this process alone. */
  readonly claim: (now: Date, limit: number) => Promise<readonly Claim[]>;
  /**
   * Does one piece. Never rejects. It may give its place to another before it is done, when it has nothing to wait for
   * any more but the database.
   */
  readonly run: (claim: Claim, givePlace: () => void) => Promise<void>;
  /** True once the process is on its way out: what runs goes on, nothing more is claimed. */
  readonly isStopping: () => boolean;
  /** Most pieces of work under way at once in one process, over all sweeps of one kind. */
  readonly concurrency: number;
}

/** With more than this part of the places taken, no more is claimed. */
const BUSY = 3 / 4;

/**
 * Works through all that is due at `now`: claims no more than can begin at once (a lease runs from its claim), goes on until a
 * claim comes back short, and resolves when the last piece is done, with how many there were. Sweeps that overlap share
 * the places, so that one slow piece does not hold up what comes due meanwhile.
 */
export const createSweep = <Claim>({ claim, run, isStopping, concurrency }: SweepSteps<Claim>) => {
  const running = new Set<Promise<void>>();

  const start = (piece: Claim): Promise<void> => {
    let givePlace = (): void => {};
    const place = new Promise<void>((resolve) => {
      givePlace = resolve;
    }).finally(() => running.delete(place));
    running.add(place);
    return run(piece, givePlace).finally(givePlace);
  };

  return async (now: Date): Promise<number> => {
    // Only what runs: a backlog of a million pieces takes no more memory than one of a hundred.
    const mine = new Set<Promise<void>>();
    let count = 0;
    while (!isStopping()) {
      // A quarter of the places free at least: a claim a piece would cost a statement a piece.
      while (running.size > concurrency * BUSY) await Promise.race(running);
      const free = concurrency - running.size;
      const claims = await claim(now, free);
      count += claims.length;
      for (const piece of claims) {
        const done: Promise<void> = start(piece).finally(() => mine.delete(done));
        mine.add(done);
      }
      if (claims.length < free) break;
    }
    await Promise.all(mine);
    return count;
  };
};
