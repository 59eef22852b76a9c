import type { Ledger } from './ledger.js';
import { timelineOf } from './timeline.js';
import type { Harm, Verdict } from './verdict.js';

/** Whole stories of so many connections that came to harm; the rest is told in a sentence each. */
const STORIES = 5;

/** A line for people; standard output, since the run's last line there is its result. */
export type Say = (line: string) => void;

/** What is printed last: the keys that are checked first, in this order. */
export interface Figures {
  readonly faults: 'refresh';
  readonly kills: number;
  readonly connections: number;
  readonly lost: number;
  readonly falseReconnects: number;
  readonly familyRevocations: number;
  readonly expiredServed: number;
  readonly duplicateRefreshes: number;
  /** With `--grace 0` only. */
  readonly grace?: 0;
  /** With `--grace 0` only: part of the connections that did not live to the end, unavoidably or not. */
  readonly lossRate?: number;
  readonly unavoidable: number;
}

export function figuresOf(verdict: Verdict, kills: number, ledger: Ledger): Figures {
  const connections = ledger.connections.length;
  const lossRate = (verdict.lost.length + verdict.unavoidable.length) / connections;
  return {
    faults: 'refresh',
    kills,
    connections,
    lost: verdict.lost.length,
    falseReconnects: verdict.falseReconnects.length,
    familyRevocations: verdict.familyRevocations.length,
    expiredServed: verdict.expiredServed,
    duplicateRefreshes: verdict.duplicateRefreshes,
    ...(ledger.graceMillis === 0
      ? { grace: 0 as const, lossRate: Math.round(lossRate * 10_000) / 10_000 }
      : {}),
    unavoidable: verdict.unavoidable.length,
  };
}

/** Tells what came to harm and why: every unavoidable loss with its timeline, the others with as many as help. */
export function reportHarm(verdict: Verdict, ledger: Ledger, say: Say): void {
  tellStories(
    'UNAVOIDABLE',
    verdict.unavoidable,
    ledger,
    ledger.graceMillis > 0 ? Number.POSITIVE_INFINITY : STORIES,
    say,
  );
  const harmed = new Map<Harm['connection'], Harm>();
  for (const harm of [...verdict.lost, ...verdict.falseReconnects, ...verdict.familyRevocations])
    harmed.set(harm.connection, harm);
  tellStories('HARMED', [...harmed.values()], ledger, STORIES, say);
}

function tellStories(title: string, harms: readonly Harm[], ledger: Ledger, stories: number, say: Say): void {
  for (const [index, { connection, outcome, because }] of harms.entries()) {
    const state = outcome ? [outcome.status, outcome.reason].filter(Boolean).join('/') : 'not looked at';
    say(`${title} ${connection.connectionId} (${state || 'no answer'}): ${because}.`);
    if (index >= stories) continue;
    for (const line of timelineOf(ledger, connection)) say(`    ${line}`);
  }
}
