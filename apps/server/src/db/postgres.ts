import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import type { Database } from './database.js';
import { PrismaClient } from './generated/client.js';

/** One replica's share of a server's connections, which are a hundred by default. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MILLIS = 10_000;
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
 * Connects to a real Postgres.
 * @throws StartError when it can't be reached
 */
export const openPostgres = async (url: string, log: Logger): Promise<Database> => {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
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
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
  return {
    engine: 'postgres',
    prisma,
    query: async <Row>(name: string, text: string, values: readonly unknown[]) => {
      const { rows } = await pool.query({ name, text, values: [...values] });
      return rows as Row[];
    },
    transaction: (work) => prisma.$transaction(work),
    driver: { kind: 'postgres', pool, url },
    ping: async () => {
      await pool.query('SELECT 1');
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
};
