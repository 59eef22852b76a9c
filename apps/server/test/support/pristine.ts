// Starting a database takes up to seconds, emptying one a fiftieth of that. So a test file keeps those that its tests
// have closed, and hands them out again as they were at first.

/** Runs one statement. */
export type Run = <Row>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** What a database was when its migrations had run. */
export type Pristine = {
  /** All that a test may alter besides rows. */
  readonly schema: string;
  /** The rows that migrations left, as JSON. */
  readonly seeds: readonly { readonly table: string; readonly rows: string }[];
};

const TABLES = `SELECT quote_ident(relname) AS name FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`;

// FirstNormalObjectId: what has a lower one is Postgres's own.
const SCHEMA = [
  'SELECT oid, relname, relkind, relnatts FROM pg_class WHERE oid >= 16384 ORDER BY oid',
  'SELECT attrelid, attname, atttypid, attnotnull FROM pg_attribute WHERE attrelid >= 16384 ORDER BY attrelid, attnum',
  'SELECT oid, tgenabled FROM pg_trigger ORDER BY oid',
  'SELECT oid, md5(prosrc) FROM pg_proc WHERE oid >= 16384 ORDER BY oid',
  'SELECT oid, convalidated FROM pg_constraint WHERE oid >= 16384 ORDER BY oid',
  'SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY setdatabase, setrole',
];

// A replica's role leaves triggers and foreign keys out: the audit's own table refuses to be emptied otherwise.
const EMPTY = `DO $$ DECLARE name text; BEGIN
  FOR name IN ${TABLES} LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
  FOR name IN SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
  LOOP EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART'; END LOOP;
END $$`;

const ENABLE_TRIGGERS = `DO $$ DECLARE of regclass; name text; BEGIN
  FOR of, name IN SELECT tgrelid, tgname FROM pg_trigger WHERE tgenabled = 'D' AND NOT tgisinternal
  LOOP EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', of, name); END LOOP;
END $$`;

const schemaOf = async (run: Run): Promise<string> => {
  const found: unknown[] = [];
  for (const sql of SCHEMA) found.push(await run(sql));
  return JSON.stringify(found);
};

/** What the database is now, for `restorePristine`. */
export const rememberPristine = async (run: Run): Promise<Pristine> => {
  const seeds: { table: string; rows: string }[] = [];
  for (const { name } of await run<{ name: string }>(TABLES)) {
    const [row] = await run<{ rows: string | null }>(`SELECT json_agg(t)::text AS rows FROM ${name} t`);
    if (row?.rows) seeds.push({ table: name, rows: row.rows });
  }
  return { schema: await schemaOf(run), seeds };
};

/** Puts rows and triggers back as they were; `false` where more was altered, and the database is of no use. */
export const restorePristine = async (run: Run, { schema, seeds }: Pristine): Promise<boolean> => {
  await run(ENABLE_TRIGGERS);
  if ((await schemaOf(run)) !== schema) return false;
  await run('SET session_replication_role = replica');
  await run(EMPTY);
  for (const { table, rows } of seeds) {
    await run(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::text::json)`, [
      rows,
    ]);
  }
  await run('SET session_replication_role = DEFAULT');
  return true;
};
