import type { PostgresCluster } from '../../../../scripts/postgres-cluster.mjs';

/**
 * Copies a database as it is, though servers work on it: Postgres copies only what nobody is connected to, so that for a
 * moment nobody may be.
 */
export async function copyDatabase(postgres: PostgresCluster, from: string, to: string): Promise<void> {
  await postgres.sql(`ALTER DATABASE ${from} ALLOW_CONNECTIONS false`);
  try {
    await postgres.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${from}'`);
    await postgres.sql(`CREATE DATABASE ${to} TEMPLATE ${from}`);
  } finally {
    await postgres.sql(`ALTER DATABASE ${from} ALLOW_CONNECTIONS true`);
  }
}
