import { addSeconds } from '../clock.js';
import { FAILURES_TO_OPEN, isRecovering } from './token-endpoint-pace.js';
import { isAbandoned, type TokenEndpointState } from './token-endpoint-store.js';

/** How one endpoint does, as far as this process knows. */
export type TokenEndpointCondition = Pick<TokenEndpointState, 'failures' | 'openUntil' | 'closedAt'>;

const WELL: TokenEndpointCondition = { failures: 0, openUntil: null, closedAt: null };

/** What this process knows of the endpoints in trouble: what it last read, and what it has met since. */
export interface TokenEndpointView {
  /** Well, where nothing is known. */
  conditionOf(url: string): TokenEndpointCondition;
  /** When the endpoint's next slot is, as far as known. It only ever moves on, so that what is known may be old. */
  nextSlotOf(url: string): Date | null;
  /** Takes over what the database says of one endpoint. */
  remember(url: string, state: TokenEndpointState | null): void;
  /** The provider answered: counts here at once. */
  answered(url: string, now: Date): void;
  /** It failed: counts here at once; the threshold closes it here, for `openSeconds`, until the database says for how long. */
  failed(url: string, now: Date, openSeconds: number): void;
  /** Begins to take note of what changes here while the database is read. */
  beginReading(): void;
  /** Takes over what was read, but for what has changed here since. True when something known has had its time. */
  replace(states: readonly TokenEndpointState[], now: Date): boolean;
}

/** An empty view. */
export const createTokenEndpointView = (): TokenEndpointView => {
  let conditions = new Map<string, TokenEndpointCondition>();
  const slots = new Map<string, Date>();
  const changed = new Set<string>();

  const conditionOf = (url: string): TokenEndpointCondition => conditions.get(url) ?? WELL;

  const set = (url: string, { failures, openUntil, closedAt }: TokenEndpointCondition): void => {
    changed.add(url);
    if (failures === 0 && openUntil === null && closedAt === null) conditions.delete(url);
    else conditions.set(url, { failures, openUntil, closedAt });
  };

  return {
    conditionOf,
    nextSlotOf: (url) => slots.get(url) ?? null,

    remember(url, state) {
      set(url, state ?? WELL);
      if (state?.nextSlotAt) slots.set(url, state.nextSlotAt);
    },

    answered(url, now) {
      const { openUntil, closedAt } = conditionOf(url);
      set(url, { failures: 0, openUntil: null, closedAt: openUntil ? now : closedAt });
    },

    failed(url, now, openSeconds) {
      const condition = conditionOf(url);
      const failures = condition.failures + 1;
      const opens = condition.openUntil !== null || failures >= FAILURES_TO_OPEN;
      const end = Math.max(condition.openUntil?.getTime() ?? 0, addSeconds(now, openSeconds).getTime());
      set(url, opens ? { failures, openUntil: new Date(end), closedAt: null } : { ...condition, failures });
    },

    beginReading: () => changed.clear(),

    replace(states, now) {
      const read = new Map<string, TokenEndpointCondition>(states.map((state) => [state.url, state]));
      const known = conditions;
      for (const url of changed) {
        const own = known.get(url);
        if (own) read.set(url, own);
        else read.delete(url);
      }
      conditions = read;
      for (const [url, slot] of slots) if (slot <= now) slots.delete(url);
      const isSpent = ({ closedAt }: TokenEndpointCondition): boolean =>
        closedAt !== null && !isRecovering(closedAt, now);
      return [...known.values()].some(isSpent) || states.some((state) => isAbandoned(state, now));
    },
  };
};
