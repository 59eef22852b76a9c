import type { TokenRequestRecord } from '../org/index.js';
import { type Ledger, type MadeConnection, requestsOf, type Span } from './ledger.js';

/** How far before the first use of the last refresh token the story begins. */
const LEAD_MILLIS = 2_000;
/** How long after the end of the grace it goes on. */
const TAIL_MILLIS = 10_000;

interface Entry {
  readonly atMillis: number;
  readonly text: string;
}

function describeRequest(request: TokenRequestRecord): string {
  const { caller, usedRefreshToken, issuedRefreshToken, fault, status, delivered, familyRevoked } = request;
  const what = issuedRefreshToken
    ? `rotated to ${issuedRefreshToken}`
    : `refused or failed (${status ?? 'no answer'})`;
  return [
    `org: ${caller ?? 'somebody'} used refresh token ${usedRefreshToken}: ${what}`,
    ...(fault === null ? [] : [`fault ${fault}`]),
    ...(delivered ? [] : ['answer not delivered']),
    ...(familyRevoked ? ['came after its grace: FAMILY REVOKED'] : []),
  ].join(', ');
}

/**
 * What happened around the end of a connection, by the ledger. Times are relative to the moment when the org used up
 * the refresh token that was rotated last.
 */
export function timelineOf(ledger: Ledger, connection: MadeConnection): string[] {
  const requests = requestsOf(ledger, connection);
  const last = requests.findLast(({ issuedRefreshToken }) => issuedRefreshToken !== null);
  const zero = last?.firstUsedAtMillis ?? last?.arrivedAtMillis ?? requests.at(-1)?.arrivedAtMillis;
  if (zero === undefined) return ['The org was never asked to refresh it.'];
  const from = zero - LEAD_MILLIS;
  const to = zero + ledger.graceMillis + TAIL_MILLIS;
  const bounds = (span: Span, begin: string, end: string): Entry[] => [
    { atMillis: span.fromMillis, text: begin },
    ...(span.toMillis === null ? [] : [{ atMillis: span.toMillis, text: end }]),
  ];
  const entries: Entry[] = [
    { atMillis: zero + ledger.graceMillis, text: 'the grace ends' },
    ...requests.map((request) => ({ atMillis: request.arrivedAtMillis, text: describeRequest(request) })),
    ...ledger.lives.flatMap((life) => [
      ...(life.readyAtMillis === null
        ? []
        : [{ atMillis: life.readyAtMillis, text: `${life.caller} is ready` }]),
      ...(life.endedAtMillis === null
        ? []
        : [{ atMillis: life.endedAtMillis, text: `${life.caller} ${life.end}` }]),
    ]),
    ...ledger.freezes.flatMap((freeze) =>
      bounds(freeze, `${freeze.caller} is frozen`, `${freeze.caller} goes on`),
    ),
    ...ledger.databaseDown.flatMap((span) => bounds(span, 'database stopped', 'database runs again')),
    ...ledger.orgTrouble.flatMap((span) =>
      bounds(span, `org: ${span.kind} begins`, `org: ${span.kind} is over`),
    ),
  ];
  return entries
    .filter(({ atMillis }) => atMillis >= from && atMillis <= to)
    .sort((a, b) => a.atMillis - b.atMillis)
    .map(({ atMillis, text }) => {
      const seconds = (atMillis - zero) / 1000;
      return `${seconds < 0 ? '-' : '+'}${Math.abs(seconds).toFixed(3)} s  ${text}`;
    });
}
