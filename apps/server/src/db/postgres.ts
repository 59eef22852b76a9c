import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import type { Database, StatementLimit } from './database.js';
import { PrismaClient } from './generated/client.js';

/** One replica's share of a server's connections, which are a hundred by default. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MILLIS = 10_000;
/**
 * A statement of the hot paths that takes longer has met a database that stands still, or is cut off without a word: it is
 * given up with its connection, so that the next one is made on a new connection. It may be carried out all the same.
 * Migrations and transactions go through Prisma, and have limits of their own.
 */
const STATEMENT_TIMEOUT_MILLIS = 8_000;
/** An idle connection is looked after by the kernel from then on, so that a host that is gone is noticed. */
const KEEP_ALIVE_AFTER_MILLIS = 5_000;
/** `int8`: ids and counters here stay far below 2^53. */
const INT8 = 20;

const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/** What the codes of Postgres and of the network say, in words. */
const REASONS: Readonly<Record<string, string>> = {
  '28P01': 'it refused the user or the password',
  '28000': 'it refused the user',
  '3D000': 'it has no database of that name',
  '53300': 'it has no connection left',
  '57P03': 'it is still starting',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host has no address',
  ERR_INVALID_URL: 'it is no URL',
};

/** What a person can do about a database that can't be reached; the URL may hold a password and is never told. */
const explain = (error: unknown): string => {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  const code = hasCode ? String(error.code) : 'no answer';
  const reason = REASONS[code];
  return `The database at DATABASE_URL can't be reached (${reason ? `${reason}, ${code}` : code}): check that it runs, and host, user and password.`;
};

/**
 * Connects to a real Postgres. A statement that is not answered within `statementTimeoutMillis` (default 8 s) rejects.
 * @throws StartError when it can't be reached
 */
export const openPostgres = async (
  url: string,
  log: Logger,
  { statementTimeoutMillis = STATEMENT_TIMEOUT_MILLIS }: { readonly statementTimeoutMillis?: number } = {},
): Promise<Database> => {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MILLIS,
    types,
    application_name: 'authpipe',
  });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection was lost'));
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    await pool.end();
    throw new StartError(explain(error), { cause: error });
  }
  // pg reads the limit of a single statement; its types do not know of it.
  const bounded = <Statement extends pg.QueryConfig>(statement: Statement) => ({
    ...statement,
    query_timeout: statementTimeoutMillis,
  });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
  return {
    engine: 'postgres',
    prisma,
    query: async <Row>(name: string, text: string, values: readonly unknown[], limit?: StatementLimit) => {
      const statement = { name, text, values: [...values] };
      const { rows } = await pool.query(limit?.mayTakeLong ? statement : bounded(statement));
      return rows as Row[];
    },
    transaction: (work) => prisma.$transaction(work),
    driver: { kind: 'postgres', pool, url },
    ping: async () => {
      await pool.query(bounded({ text: 'SELECT 1' }));
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
};
