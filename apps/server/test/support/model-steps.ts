/** What may befall a step when its turn comes. */
export type Fate =
  /** It is done, and the process hears of it. */
  | 'done'
  /** It never reaches the other side. */
  | 'unsent'
  /** It is done, but the process hears of a failure. */
  | 'unheard';

interface Waiting {
  readonly label: string;
  readonly go: (fate: Fate) => void;
}

/** The link is down: what a driver throws when a statement fails on its way. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

/**
 * The steps of one process that others can see: each waits for its turn, which the test gives it. Between two of them the
 * process runs without a stop, since JavaScript has one thread.
 */
export interface Steps {
  /** Does `work` when its turn comes. `fail` makes what the process hears of a failure. */
  take<Result>(label: string, work: () => Result, fail?: () => Error): Promise<Result>;
  /** What is next; `null` when nothing waits for a turn. */
  next(): string | null;
  /** Gives the turn to the step that has waited longest. */
  go(fate?: Fate): void;
  /** From now on no step is ever done: the process is dead. */
  end(): void;
}

export const createSteps = (): Steps => {
  const waiting: Waiting[] = [];
  let hasEnded = false;

  return {
    take: (label, work, fail = () => new LinkError(label)) =>
      new Promise((resolve, reject) => {
        if (hasEnded) return;
        const go = (fate: Fate): void => {
          try {
            const result = fate === 'unsent' ? null : { of: work() };
            if (fate !== 'done' || result === null) reject(fail());
            else resolve(result.of);
          } catch (error) {
            reject(error);
          }
        };
        waiting.push({ label, go });
      }),
    next: () => waiting[0]?.label ?? null,
    go: (fate = 'done') => waiting.shift()?.go(fate),
    end() {
      hasEnded = true;
      waiting.length = 0;
    },
  };
};

/** Lets every process run up to its next step. */
export const settleTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
