/** How calls are joined. */
export interface BatchOptions<Item, Result> {
  /** Does the work of many calls at once; resolves to their results, in their order. What it throws, all of them get. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Most calls that are joined into one. */
  readonly maxItems: number;
  /** How many joined calls may be under way; what comes meanwhile gathers for the next. */
  readonly concurrency: number;
  /** What a call is about: of calls about the same only one goes into each joined call. Anything goes, unless told. */
  readonly keyOf?: (item: Item) => unknown;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins calls that are made at about the same time: those of one turn of the event loop, and those that come while the
 * statements before are under way. The busier the process, the fewer statements a call costs; an idle one waits for
 * nothing.
 */
export const createBatch = <Item, Result>({
  run,
  maxItems,
  concurrency,
  keyOf,
}: BatchOptions<Item, Result>) => {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  let isScheduled = false;

  /** The first that wait; who comes after another about the same waits for the next. */
  const takePart = (): Waiting<Item, Result>[] => {
    const part = new Map<unknown, Waiting<Item, Result>>();
    const rest: Waiting<Item, Result>[] = [];
    for (const call of waiting) {
      const key = keyOf ? keyOf(call.item) : call;
      if (part.size < maxItems && !part.has(key)) part.set(key, call);
      else rest.push(call);
    }
    waiting = rest;
    return [...part.values()];
  };

  const runOne = async (part: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await run(part.map(({ item }) => item));
      part.forEach(({ resolve, reject }, index) => {
        if (index < results.length) resolve(results[index] as Result);
        else reject(new TypeError('a batch gave fewer results than it had items'));
      });
    } catch (error) {
      for (const { reject } of part) reject(error);
    } finally {
      running -= 1;
      runAll();
    }
  };

  const runAll = (): void => {
    while (running < concurrency && waiting.length > 0) {
      running += 1;
      void runOne(takePart());
    }
  };

  return (item: Item): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        runAll();
      });
    });
};
