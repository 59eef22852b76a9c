import type { ChildProcess, SpawnOptions } from 'node:child_process';

/** A Postgres cluster of one's own. */
export interface PostgresCluster {
  /** URL of its database `postgres`. */
  readonly url: string;
  /** URL of another database of it, which need not exist yet. */
  urlOf(database: string): string;
  /** Runs one statement with `psql`, on the database `postgres` unless told; resolves to what it printed. Rejects when it fails. */
  sql(statement: string, database?: string): Promise<string>;
  /** Starts it where it does not run, and waits until it takes connections. */
  start(): Promise<void>;
  /** Ends it with every connection, and waits. `SIGINT` (the default) in order, `SIGQUIT` as a crash would. */
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

export interface PostgresClusterOptions {
  /** Settings beside the defaults (`fsync=off`, `max_connections=200`). */
  readonly settings?: Readonly<Record<string, string>>;
  /** How processes are started; Node's `spawn` unless told. */
  readonly spawnProcess?: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
}

/** The folder with the programs of the newest Postgres server installed, or `null`. */
export function findPostgresPrograms(): string | null;

/**
 * Makes a cluster in a temporary folder, listening on loopback only, and starts it. Resolves to `null` where Postgres is
 * not installed; rejects with what Postgres printed where it can't be made. Its folder goes with the process at the latest.
 */
export function makePostgresCluster(options?: PostgresClusterOptions): Promise<PostgresCluster | null>;
