// A real Postgres for the tests, where its programs are installed: a new cluster that ends with the task.
import { start } from './leash.mjs';
import { makePostgresCluster } from './postgres-cluster.mjs';

/**
 * Starts a cluster that listens on loopback only and ends with this task. Resolves to its URL, or to `null`, loudly,
 * where Postgres is not installed.
 */
export const throwawayPostgres = async () => {
  try {
    const cluster = await makePostgresCluster({ spawnProcess: start });
    if (cluster) return { url: cluster.url };
    console.error(
      'NOTICE: Postgres is not installed, so every database test runs on the embedded database only.',
    );
  } catch (error) {
    console.error(`NOTICE: ${error.message} Database tests run on the embedded database only.`);
  }
  return null;
};
