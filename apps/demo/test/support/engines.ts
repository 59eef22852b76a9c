import { describe } from '@jest/globals';
import { postgresUrl } from '../../../server/test/support/databases.js';
import { createPostgresDatabase } from '../../../server/test/support/pristine-postgres.js';
import { type DemoOptions, type RunningDemo, startDemo } from './running-demo.js';

/** Starts a demo on the suite's engine, on a database of its own that goes with it. */
export type StartDemo = (options?: DemoOptions) => Promise<RunningDemo>;

const onPostgres =
  (server: string): StartDemo =>
  async (options) => {
    const { url, drop } = await createPostgresDatabase(server);
    const demo = await startDemo({ ...options, databaseUrl: url }).catch(async (error: unknown) => {
      await drop();
      throw error;
    });
    return {
      ...demo,
      async close() {
        await demo.close();
        await drop();
      },
    };
  };

/** Runs a suite of the whole product on the embedded database, and on a real Postgres where there is one. */
export function describeDemoOnEachEngine(name: string, suite: (start: StartDemo) => void): void {
  describe(`${name}, on PGlite`, () => suite(startDemo));
  describeDemoOnPostgres(name, suite);
}

/** The same, for what needs a real Postgres: several servers on one database. */
export function describeDemoOnPostgres(name: string, suite: (start: StartDemo) => void): void {
  const server = postgresUrl();
  if (server !== null) {
    describe(`${name}, on Postgres`, () => suite(onPostgres(server)));
    return;
  }
  process.stderr.write(
    `NOTICE: "${name}" does not run on a real Postgres: AUTHPIPE_TEST_DATABASE_URL is not set.\n`,
  );
  // Skipped, not left out: Jest fails a file without any test.
  describe.skip(`${name}, on Postgres`, () => suite(startDemo));
}
