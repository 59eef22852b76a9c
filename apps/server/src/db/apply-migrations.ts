import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import type { Database } from './database.js';

/** Any number that only Authpipe's migrations use. */
const ADVISORY_LOCK = 7_233_462_519;

/** Prisma's own table, so that `prisma migrate deploy` and this understand each other. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** `prisma/migrations` of this package: above `src/db` in the sources, above `dist` when built. */
const findFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'prisma', 'migrations'))) {
    const above = dirname(folder);
    if (above === folder)
      throw new StartError(
        'The migrations are missing from this installation: install @authpipe/server again.',
      );
    folder = above;
  }
  return join(folder, 'prisma', 'migrations');
};

/** The migrations that come with this version, oldest first. */
export const readMigrations = (folder = findFolder()): Migration[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });

interface AppliedMigration {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

const checkHistory = (applied: readonly AppliedMigration[], known: readonly Migration[]): void => {
  for (const { migration_name: name, checksum, finished_at: finishedAt } of applied) {
    const own = known.find((migration) => migration.name === name);
    if (!own) {
      throw new StartError(
        `The database has the migration ${name}, which this version does not know: it was used by a newer Authpipe. Start that version or a newer one.`,
      );
    }
    if (finishedAt === null) {
      throw new StartError(
        `The migration ${name} was begun and not finished: see \`prisma migrate resolve\`, then start again.`,
      );
    }
    if (own.checksum !== checksum) {
      throw new StartError(
        `The migration ${name} in the database is another than this version's: the files of this installation were changed. Install @authpipe/server again.`,
      );
    }
  }
};

/**
 * Applies what is missing, all or nothing, one server at a time; the others wait and find it done.
 * @returns the names of what was applied
 * @throws StartError when the database's history is not ours
 */
export const applyMigrations = async (
  db: Database,
  log: Logger,
  migrations = readMigrations(),
): Promise<string[]> => {
  const applied = await db.prisma.$transaction(
    async (transaction) => {
      await transaction.$executeRawUnsafe(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`);
      await transaction.$executeRawUnsafe(CREATE_TABLE);
      const history = await transaction.$queryRawUnsafe<AppliedMigration[]>(
        'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
      );
      checkHistory(history, migrations);
      const missing = migrations.filter(({ name }) => !history.some((row) => row.migration_name === name));
      for (const { name, sql, checksum } of missing) {
        for (const statement of statementsOf(sql)) await transaction.$executeRawUnsafe(statement);
        await transaction.$executeRawUnsafe(
          'INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)',
          randomUUID(),
          checksum,
          name,
        );
      }
      return missing.map(({ name }) => name);
    },
    { timeout: 300_000, maxWait: 60_000 },
  );
  if (applied.length > 0) log.info({ migrations: applied }, 'migrations applied');
  return applied;
};

/**
 * A driver takes one statement at a time. One ends with a `;` at the end of a line, unless that is inside `$$ … $$`, the
 * body of a function. Migrations hold no other `;`, which the test of them checks.
 */
export const statementsOf = (sql: string): string[] => {
  const statements = [''];
  for (const piece of sql.replace(/^\s*--.*$/gm, '').split(/(;\s*$)/m)) {
    const current = statements.at(-1) ?? '';
    const isInBody = (current.split('$$').length - 1) % 2 === 1;
    if (piece.startsWith(';') && !isInBody) statements.push('');
    else statements[statements.length - 1] = current + piece;
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
};
