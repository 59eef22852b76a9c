import type { TokenRequestRecord } from '../org/index.js';

/** A stretch of time, in milliseconds since the epoch; one without an end lasts still. */
export interface Span {
  readonly fromMillis: number;
  toMillis: number | null;
}

/** One process of one server, from its start to its end. */
export interface ServerLife {
  /** Which of the servers: `a`, `b`, … Its port and data folder outlive its processes. */
  readonly server: string;
  /** As it names itself to the org: `a#3` is the third process of server `a`. */
  readonly caller: string;
  readonly startedAtMillis: number;
  /** When `/readyz` said so first. */
  readyAtMillis: number | null;
  endedAtMillis: number | null;
  /** `killed` and `stopped` is the harness's doing, `died` the server's own. */
  end: 'killed' | 'stopped' | 'died' | null;
}

/** A process that was stopped with SIGSTOP for a while. */
export interface Freeze extends Span {
  readonly caller: string;
}

/** The token endpoint failed every call on purpose. */
export interface OrgTrouble extends Span {
  readonly kind: string;
}

/** A connection as it was made. */
export interface MadeConnection {
  readonly connectionId: string;
  readonly grantId: string;
  readonly userId: string;
  /** Fingerprint of its first refresh token. */
  readonly refreshToken: string;
}

/** Everything that is known of a run: what was done to the system, and what the org saw. Nothing in it is a server's own word. */
export interface Ledger {
  readonly graceMillis: number;
  readonly connections: MadeConnection[];
  /** In the order in which they were over. */
  readonly tokenRequests: TokenRequestRecord[];
  readonly lives: ServerLife[];
  readonly freezes: Freeze[];
  readonly databaseDown: Span[];
  readonly orgTrouble: OrgTrouble[];
}

/** A ledger in which nothing has happened yet. */
export function emptyLedger(graceMillis: number): Ledger {
  return {
    graceMillis,
    connections: [],
    tokenRequests: [],
    lives: [],
    freezes: [],
    databaseDown: [],
    orgTrouble: [],
  };
}

/** The calls of the token endpoint for one connection's grant, in the order in which they came. */
export function requestsOf(
  { tokenRequests }: Pick<Ledger, 'tokenRequests'>,
  { grantId, refreshToken }: MadeConnection,
): TokenRequestRecord[] {
  const family = new Set([refreshToken]);
  const byArrival = tokenRequests.toSorted((a, b) => a.arrivedAtMillis - b.arrivedAtMillis);
  // A revoked family is unknown to the org: its tokens are recognised by their fingerprints.
  for (const { grantId: known, issuedRefreshToken } of byArrival)
    if (known === grantId && issuedRefreshToken !== null) family.add(issuedRefreshToken);
  return byArrival.filter(
    ({ grantId: known, usedRefreshToken }) =>
      known === grantId || (usedRefreshToken !== null && family.has(usedRefreshToken)),
  );
}
