import type { OrgControl } from '../../org/index.js';

const WINDOW_SECONDS = 60;

/** Calls of the org's endpoints. */
export interface Calls {
  readonly introspections: number;
  readonly apiCalls: number;
}

/** What the org was asked in a minute at most. */
export interface CallRate {
  /** Counts the calls since the last look. */
  look(nowMillis: number): void;
  /** The most of each endpoint in any minute so far. */
  most(): Calls;
}

export function createCallRate(control: OrgControl): CallRate {
  const looks: (Calls & { at: number })[] = [];
  let most: Calls = { introspections: 0, apiCalls: 0 };
  return {
    look(at) {
      const { introspections, apiCalls } = control.counters();
      looks.push({ at, introspections, apiCalls });
      while ((looks[0]?.at ?? at) < at - WINDOW_SECONDS * 1000) looks.shift();
      const [first] = looks;
      if (!first) return;
      most = {
        introspections: Math.max(most.introspections, introspections - first.introspections),
        apiCalls: Math.max(most.apiCalls, apiCalls - first.apiCalls),
      };
    },
    most: () => most,
  };
}
