import type { Database } from '../db/database.js';
import type { DatabaseProof } from '../db/database-proof.js';

/** Whose database this is: the one row of `deployments`. */
export interface Identity {
  readonly deploymentId: string;
  /** Fingerprint of the first root key of its servers; empty after an adoption, until a server has started. */
  readonly rootKeyId: string;
  /** Milliseconds since 1970, and more whenever a server of this deployment runs. It never falls: a backup is behind. */
  readonly highWater: number;
  readonly adoptedAt: Date | null;
  readonly foreignBefore: Date | null;
  readonly verifyBefore: Date | null;
}

/** What an adoption makes of the identity. */
export interface AdoptionWrite {
  readonly kind: 'copy' | 'replace';
  readonly deploymentId: string;
  readonly now: Date;
  /** What is known outside the database: the new high water is above it. */
  readonly highWater: number;
}

const COLUMNS = `deployment_id AS "deploymentId", root_key_id AS "rootKeyId", high_water AS "highWater",
  adopted_at AS "adoptedAt", foreign_before AS "foreignBefore", verify_before AS "verifyBefore"`;

/** The store of the identity. Each change is one statement, and holds whoever else writes at the same time. */
export const createDeploymentStore = ({ db }: { readonly db: Database }) => ({
  async findIdentity(): Promise<Identity | null> {
    const [row] = await db.query<Identity>(
      'deployment_find',
      `SELECT ${COLUMNS} FROM deployments WHERE place = 'this'`,
      [],
    );
    return row ?? null;
  },

  /** Gives the database an identity, unless it has one. Where credentials are already, its high water is 0: see the caller. */
  async createIdentity(identity: {
    readonly deploymentId: string;
    readonly rootKeyId: string;
    readonly highWater: number;
    readonly now: Date;
  }): Promise<void> {
    await db.query(
      'deployment_create',
      `INSERT INTO deployments (place, deployment_id, root_key_id, high_water, created_at)
       SELECT 'this', $1::text, $2::text,
         CASE WHEN EXISTS (SELECT 1 FROM credentials) THEN 0 ELSE $3::bigint END, $4::timestamptz
       ON CONFLICT (place) DO NOTHING`,
      [identity.deploymentId, identity.rootKeyId, identity.highWater, identity.now],
    );
  },

  /** Raises the high water, unless the database is another by now, or was set back; then it is null and nothing is written. */
  async raiseHighWater(fence: DatabaseProof & { readonly now: Date }): Promise<Identity | null> {
    const [row] = await db.query<Identity>(
      'deployment_raise',
      `UPDATE deployments SET high_water = greatest(high_water + 1, $3::bigint)
       WHERE place = 'this' AND deployment_id = $1 AND high_water >= $2::bigint RETURNING ${COLUMNS}`,
      [fence.deploymentId, fence.atLeast, fence.now.getTime()],
    );
    return row ?? null;
  },

  /** Records the fingerprint of the root key that seals now. */
  async recordRootKey(deploymentId: string, rootKeyId: string): Promise<void> {
    await db.query(
      'deployment_root_key',
      `UPDATE deployments SET root_key_id = $2 WHERE place = 'this' AND deployment_id = $1`,
      [deploymentId, rootKeyId],
    );
  },

  /**
   * Writes an adoption. Grants that are there count as issued before it, whatever the clock of the server that got them
   * said, and what an earlier adoption said of older grants stays.
   */
  async adopt({ kind, deploymentId, now, highWater }: AdoptionWrite): Promise<Identity | null> {
    const [row] = await db.query<Identity>(
      'deployment_adopt',
      `WITH boundary AS (
         SELECT greatest($2::timestamptz, max(issued_at) + interval '1 millisecond') AS moment FROM credentials
       )
       INSERT INTO deployments AS d
         (place, deployment_id, root_key_id, high_water, created_at, adopted_at, foreign_before, verify_before)
       SELECT 'this', $1::text, '', $3::bigint, $2::timestamptz, $2::timestamptz,
         CASE WHEN $4::boolean THEN moment END, CASE WHEN $4::boolean THEN NULL ELSE moment END
       FROM boundary
       ON CONFLICT (place) DO UPDATE SET
         deployment_id = excluded.deployment_id, root_key_id = '',
         high_water = greatest(d.high_water + 1, excluded.high_water),
         adopted_at = greatest(d.adopted_at + interval '1 millisecond', excluded.adopted_at),
         foreign_before = greatest(d.foreign_before, excluded.foreign_before),
         verify_before = greatest(d.verify_before, excluded.verify_before)
       RETURNING ${COLUMNS}`,
      [deploymentId, now, Math.max(highWater + 1, now.getTime()), kind === 'copy'],
    );
    return row ?? null;
  },

  /** OAuth connections whose grant was issued before. */
  async countGrantsBefore(moment: Date): Promise<number> {
    const [row] = await db.query<{ count: number }>(
      'deployment_count_grants',
      `SELECT count(*) AS count FROM credentials k JOIN connections c ON c.id = k.connection_id
       WHERE c.kind = 'oauth2' AND k.issued_at < $1`,
      [moment],
    );
    return row?.count ?? 0;
  },
});

export type DeploymentStore = ReturnType<typeof createDeploymentStore>;
