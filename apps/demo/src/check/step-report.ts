/** One line a step: what was done, and what was seen. */
export interface StepReport {
  /** Runs a step and prints what it saw, or fails with what was expected. */
  step<Seen>(name: string, look: () => Promise<{ seen: string; value: Seen }>): Promise<Seen>;
}

/** Prints each step as it ends, with its duration. */
export const createStepReport = (print: (line: string) => void): StepReport => {
  let number = 0;
  return {
    async step(name, look) {
      number += 1;
      const startedAt = performance.now();
      try {
        const { seen, value } = await look();
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        print(`  ✓ ${String(number).padStart(2)}. ${name}: ${seen} (${seconds} s)`);
        return value;
      } catch (error) {
        print(`  ✗ ${String(number).padStart(2)}. ${name}`);
        throw error;
      }
    },
  };
};

/** A step that did not see what it should. */
export class CheckFailure extends Error {}

/** Ends the step unless what must hold holds. */
export function expectThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new CheckFailure(otherwise);
}

const POLL_MILLIS = 250;

/** Looks again and again until there is something to see; fails with `otherwise` after the deadline. */
export const waitFor = async <Seen>(
  look: () => Promise<Seen | null>,
  { seconds, otherwise }: { readonly seconds: number; readonly otherwise: string },
): Promise<Seen> => {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const seen = await look();
    if (seen !== null) return seen;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  throw new CheckFailure(otherwise);
};
