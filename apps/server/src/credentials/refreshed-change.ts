import type { Actor } from '../actor.js';
import { OF_WHAT_IT_MAY } from '../authorization-reasons.js';
import { auditContent } from '../db/append-audit.js';
import { answeredByRenewal, REFUSAL_STANDS } from './place-answer.js';
import type { SqlValues } from './sql-values.js';
import type { StateChange } from './state-change.js';

/** Who writes, and on top of what: a write holds only while both are as they were. */
export interface RefreshFence {
  readonly connection: { readonly id: string };
  readonly version: number;
  readonly leaseNumber: number;
}

/** A token answer, sealed and ready to be stored. Nothing in it is readable without the vault. */
export interface RefreshedCredential {
  /** Sealed at the version after the fence's. */
  readonly envelope: Uint8Array;
  readonly tokenType: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly refreshExpiresAt: Date | null;
  readonly refreshAt: Date | null;
  /** When the coming end of the grant is to be told; `null` where none is known, or it has been told. */
  readonly expiringAt: Date | null;
  /** Whether the answer brought another refresh token. */
  readonly rotates: boolean;
  readonly scopes: readonly string[];
  /** Whether the provider ended the access token that was there before: whoever holds a copy is told so. */
  readonly invalidatesPrevious: boolean;
}

/** An answer to be stored, and who caused the refresh. */
export interface Refreshed {
  readonly fence: RefreshFence;
  readonly refreshed: RefreshedCredential;
  readonly actor: Actor;
}

/** The leave is given back. */
export const LEASE_FREED = ['lease_owner = NULL', 'lease_until = NULL'];

/** Types of `fenceRow`. */
export const FENCE_COLUMNS = 'version int, lease_number int';
const REFRESHED_COLUMNS = `${FENCE_COLUMNS}, envelope text, token_type text, issued_at timestamptz, expires_at timestamptz,
  refresh_expires_at timestamptz, refresh_at timestamptz, expiring_at timestamptz, rotates boolean, scopes text[],
  invalidates_previous boolean`;

/** A fence as the statement reads it. */
export const fenceRow = ({ connection, version, leaseNumber }: RefreshFence) => ({
  id: connection.id,
  version,
  lease_number: leaseNumber,
});

/** The change that stores token answers: credential, scopes and state at once. What is left out is the fence. */
export const refreshedChange = (
  sql: SqlValues,
  given: readonly Refreshed[],
  { now, eventId }: { readonly now: Date; readonly eventId: () => string },
): Omit<StateChange, 'fence'> => {
  const at = sql.bind(now, 'timestamptz');
  // A token answer that is narrower than what was granted: the rest is lost until it is back.
  const lost = `ARRAY(SELECT unnest(b.scopes || b.lost_scopes) EXCEPT SELECT unnest(g.scopes || '{offline_access}'::text[]))`;
  const isNarrower = `cardinality(${lost}) > 0`;
  // An API's refusal is mended by that API alone.
  const keepsState = `b.status = 'degraded' AND b.failed_api IS NOT NULL`;
  // The same where it had to make way for worse, which is over.
  const comesBack = `b.status = 'degraded' AND moved.suspected_reason IN ${OF_WHAT_IT_MAY}`;
  return {
    connections: given.map(({ fence, refreshed, actor }) => ({
      ...fenceRow(fence),
      audit: auditContent({}, 'ok', actor),
      event: eventId(),
      also: eventId(),
      envelope: Buffer.from(refreshed.envelope).toString('base64'),
      token_type: refreshed.tokenType,
      issued_at: refreshed.issuedAt,
      expires_at: refreshed.expiresAt,
      refresh_expires_at: refreshed.refreshExpiresAt,
      refresh_at: refreshed.refreshAt,
      expiring_at: refreshed.expiringAt,
      rotates: refreshed.rotates,
      scopes: refreshed.scopes,
      invalidates_previous: refreshed.invalidatesPrevious,
    })),
    columns: REFRESHED_COLUMNS,
    audit: { action: 'credential.refreshed' },
    now,
    also: 'credential.refreshed',
    alsoPayload: `CASE WHEN g.invalidates_previous THEN '{"invalidatesPrevious": true}'::jsonb ELSE '{}' END`,
    credential: [
      'version = g.version + 1',
      `envelope = decode(g.envelope, 'base64')`,
      'token_type = g.token_type',
      'issued_at = g.issued_at',
      'expires_at = g.expires_at',
      'refresh_expires_at = g.refresh_expires_at',
      'refresh_at = g.refresh_at',
      'expiring_at = g.expiring_at',
      'rotates = g.rotates',
      // A grant that came back, or is read again, is probed again.
      `probe_at = coalesce(k.probe_at, CASE WHEN b.status = 'needs_reconnect' OR k.refresh_stopped_at IS NOT NULL THEN ${at} END)`,
      'refresh_stopped_at = NULL',
      'refresh_failures = 0',
      'refresh_intent_at = NULL',
      `suspected_reason = CASE WHEN ${REFUSAL_STANDS} THEN k.suspected_reason END`,
      ...answeredByRenewal(at),
      ...LEASE_FREED,
    ],
    status: `CASE WHEN ${keepsState} THEN b.status WHEN ${isNarrower} OR ${comesBack} THEN 'degraded' ELSE 'healthy' END`,
    reason: `CASE WHEN ${keepsState} THEN b.reason WHEN ${isNarrower} THEN 'scope_lost'
      WHEN ${comesBack} THEN moved.suspected_reason END`,
    connection: [
      'scopes = g.scopes',
      `lost_scopes = ARRAY(SELECT unnest(c.scopes || coalesce(c.lost_scopes, '{}')) EXCEPT SELECT unnest(g.scopes || '{offline_access}'::text[]))`,
      'reconnect_by = g.refresh_expires_at',
      `verified_at = ${at}`,
      "verified_by = 'refresh'",
    ],
  };
};
