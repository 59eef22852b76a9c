/** What the database says of itself as long as it is the one that this server knows. */
export interface DatabaseProof {
  readonly deploymentId: string;
  /** Milliseconds since 1970, below which its high water can't fall by itself: a backup stands below. */
  readonly atLeast: number;
}

/**
 * SQL that is true while the database is the one that the proof tells of: for statements that nothing may follow when a
 * copy or a backup was put in its place a moment ago. Placeholders of both values; `null` is never proven.
 */
export const isProvenSql = ({
  deploymentId,
  atLeast,
}: {
  readonly deploymentId: string;
  readonly atLeast: string;
}): string =>
  `EXISTS (SELECT 1 FROM deployments d
    WHERE d.place = 'this' AND d.deployment_id = ${deploymentId}::text AND d.high_water >= ${atLeast}::bigint)`;
