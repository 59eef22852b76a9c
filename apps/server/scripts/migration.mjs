// `npm run migration -- NAME` writes the next migration: the difference between the migrations folder and the schema.
// `npm run migration -- --check` fails when there is one. Prisma's own engine, as WebAssembly on an in-memory PGlite,
// since its binary can't be had everywhere.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';

const prismaFolder = join(import.meta.dirname, '..', 'prisma');
const migrationsFolder = join(prismaFolder, 'migrations');
/** Prisma reads the kind of database from it, before the first migration too. */
const LOCK = { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' };

/** The engine's glue wants its module instantiated first. */
const loadEngine = async () => {
  // The package exports only an entry for bundlers.
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const glue = await import(join(folder, 'schema_engine_bg.js'));
  const bytes = readFileSync(join(folder, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue.SchemaEngine;
};

const migrations = () => ({
  baseDir: migrationsFolder,
  lockfile: LOCK,
  shadowDbInitScript: '',
  migrationDirectories: (existsSync(migrationsFolder)
    ? readdirSync(migrationsFolder, { withFileTypes: true })
    : []
  )
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(migrationsFolder, name, 'migration.sql'), 'utf8') },
      },
    })),
});

const schemaPath = join(prismaFolder, 'schema.prisma');
const datamodels = [[schemaPath, readFileSync(schemaPath, 'utf8')]];

/** SQL that leads from the migrations to the schema; null when they agree. */
const difference = async () => {
  const SchemaEngine = await loadEngine();
  const factory = bindMigrationAwareSqlAdapterFactory(new PrismaPGlite(await PGlite.create()));
  const engine = await SchemaEngine.new({ datamodels }, () => {}, factory);
  const { stdout } = await engine.diff({
    from: { tag: 'migrations', ...migrations() },
    to: { tag: 'schemaDatamodel', files: [{ path: schemaPath, content: datamodels[0][1] }] },
    script: true,
    exitCode: true,
    shadowDatabaseUrl: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  const sql = (stdout ?? '').trim();
  return sql === '' || /^-- This is an empty migration/.test(sql) ? null : `${sql}\n`;
};

const wanted = process.argv[2];
const sql = await difference();
if (wanted === '--check') {
  if (sql) {
    console.error(
      `The migrations do not lead to the schema: run \`npm run migration -- NAME\`. Missing:\n${sql}`,
    );
    process.exit(1);
  }
} else if (!/^[a-z][a-z0-9_]*$/.test(wanted ?? '')) {
  console.error('Name the migration, in lower case with underscores: npm run migration -- add_something');
  process.exit(1);
} else if (sql) {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join(migrationsFolder, `${stamp}_${wanted}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'migration.sql'), sql);
  writeFileSync(join(migrationsFolder, LOCK.path), LOCK.content);
  console.log(`Wrote ${join(folder, 'migration.sql')}`);
} else {
  console.log('The migrations lead to the schema already: nothing to write.');
}
process.exit(0);
