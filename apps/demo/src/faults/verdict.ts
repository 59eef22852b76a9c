import { type Ledger, type MadeConnection, requestsOf } from './ledger.js';
import { proveUnavoidable } from './unavoidable.js';

/** How a connection was found when everything had calmed down. */
export interface ConnectionOutcome {
  readonly connectionId: string;
  /** Whether a credential could be read. */
  readonly isReadable: boolean;
  /** Whether the org took that credential. */
  readonly isAccepted: boolean;
  /** The server's word on the connection; `null` where it gave none. */
  readonly status: string | null;
  readonly reason: string | null;
}

/** What readers saw while the run went on. */
export interface Observations {
  readonly outcomes: readonly ConnectionOutcome[];
  /** Connections that were called `needs_reconnect` at any time. */
  readonly needsReconnect: ReadonlySet<string>;
  /** Credentials that had ended before they were asked for. */
  readonly expiredServed: number;
  /** Credentials that were said to be good for longer, and that the org refused. */
  readonly refusals: readonly { readonly connectionId: string; readonly atMillis: number }[];
}

/** A connection that came to harm, and why that is so. */
export interface Harm {
  readonly connection: MadeConnection;
  readonly outcome: ConnectionOutcome | undefined;
  readonly because: string;
}

/** The figures of a run, each with what it was counted from. */
export interface Verdict {
  /** No credential could be read at the end, or the org refused it. */
  readonly lost: readonly Harm[];
  /** Called `needs_reconnect`, though nobody revoked anything. */
  readonly falseReconnects: readonly Harm[];
  /** Families that the org revoked because a refresh token came after its grace. */
  readonly familyRevocations: readonly Harm[];
  readonly expiredServed: number;
  /** Answers for a refresh token beyond the first: allowed within the grace, and told. */
  readonly duplicateRefreshes: number;
  /** What the ledger proves that no protocol could have saved. In none of the above. */
  readonly unavoidable: readonly Harm[];
}

/** Judges a run by its ledger. Nobody revoked a grant in it: each dead one is somebody's mistake, or proven to be nobody's. */
export function judge(ledger: Ledger, observations: Observations): Verdict {
  const outcomes = new Map(observations.outcomes.map((outcome) => [outcome.connectionId, outcome]));
  const cases = ledger.connections.map((connection) => {
    const outcome = outcomes.get(connection.connectionId);
    const revokedAtMillis = requestsOf(ledger, connection).find((one) => one.familyRevoked)?.arrivedAtMillis;
    const isLost = !(outcome?.isReadable && outcome.isAccepted);
    const isFalseReconnect =
      outcome?.status === 'needs_reconnect' || observations.needsReconnect.has(connection.connectionId);
    const isHarmed = isLost || isFalseReconnect || revokedAtMillis !== undefined;
    const proof = isHarmed ? proveUnavoidable(ledger, connection) : { isProven: false, because: '' };
    const harm: Harm = { connection, outcome, because: proof.because };
    return { harm, proof, isHarmed, isLost, isFalseReconnect, revokedAtMillis };
  });
  const avoidable = cases.filter(({ proof }) => !proof.isProven);
  const ends = new Map(
    cases.map(({ harm, revokedAtMillis }) => [harm.connection.connectionId, revokedAtMillis]),
  );
  const refused = observations.refusals.filter(({ connectionId, atMillis }) => {
    const endedAtMillis = ends.get(connectionId);
    // The tokens of a revoked family are refused by right: its end is counted where it belongs.
    return endedAtMillis === undefined || atMillis < endedAtMillis;
  });
  return {
    lost: avoidable.filter(({ isLost }) => isLost).map(({ harm }) => harm),
    falseReconnects: avoidable.filter(({ isFalseReconnect }) => isFalseReconnect).map(({ harm }) => harm),
    familyRevocations: avoidable
      .filter(({ revokedAtMillis }) => revokedAtMillis !== undefined)
      .map(({ harm }) => harm),
    expiredServed: observations.expiredServed + refused.length,
    duplicateRefreshes: countDuplicates(ledger),
    unavoidable: cases.filter(({ proof }) => proof.isProven).map(({ harm }) => harm),
  };
}

function countDuplicates({ tokenRequests }: Ledger): number {
  const answersByToken = new Map<string, number>();
  for (const { usedRefreshToken, issuedRefreshToken } of tokenRequests) {
    if (usedRefreshToken === null || issuedRefreshToken === null) continue;
    answersByToken.set(usedRefreshToken, (answersByToken.get(usedRefreshToken) ?? 0) + 1);
  }
  return [...answersByToken.values()].reduce((sum, answers) => sum + answers - 1, 0);
}

/** Whether the four figures that have to be 0 are. */
export function isClean(verdict: Verdict): boolean {
  return (
    verdict.lost.length === 0 &&
    verdict.falseReconnects.length === 0 &&
    verdict.familyRevocations.length === 0 &&
    verdict.expiredServed === 0
  );
}
