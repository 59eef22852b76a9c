import type { PGlite } from '@electric-sql/pglite';
import type { Pool } from 'pg';
import type { Prisma, PrismaClient } from './generated/client.js';

export type { PrismaClient } from './generated/client.js';
/** What runs inside a transaction; made by `Database.transaction`. */
export type Transaction = Prisma.TransactionClient;

/** How long a statement may take. */
export interface StatementLimit {
  /** It touches more rows the more there are, and is waited for. Default: it is given up after 8 s, on a real Postgres. */
  readonly mayTakeLong: boolean;
}

/** The database, embedded or real: the same schema and the same answers. */
export interface Database {
  readonly engine: 'pglite' | 'postgres';
  readonly prisma: PrismaClient;
  /**
   * One prepared statement on the driver itself, for hot paths. Rows have the columns as selected; `timestamptz` comes as
   * Date, `bytea` as Uint8Array, `jsonb` parsed, `text[]` as an array, `int8` as a number.
   * @param name the statement's name, one for each text; at most 63 characters, which is where Postgres cuts it
   * @throws when the database is away, or does not answer in time: the statement may have been carried out all the same
   */
  query<Row>(name: string, sql: string, values: readonly unknown[], limit?: StatementLimit): Promise<Row[]>;
  /**
   * An interactive transaction. On PGlite all else waits for it, and a call to this object inside it never returns: use
   * what is handed down, and be quick.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  /** The driver, for libraries that bring their own tables. */
  readonly driver:
    | { readonly kind: 'pglite'; readonly pglite: PGlite }
    | { readonly kind: 'postgres'; readonly pool: Pool; readonly url: string };
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
