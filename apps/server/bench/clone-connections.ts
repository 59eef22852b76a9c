import type pg from 'pg';

/** Connections of one tenant, which has an OAuth client of its own. */
const CONNECTIONS_PER_TENANT = 50;
const ROWS_PER_INSERT = 100_000;
/** Nothing but what is meant to be due comes due while the benchmark runs. */
const FIRST_DUE_MINUTES = 30;

/** 22 characters that follow no order, as those of real ids. */
const random = (seed: string): string =>
  `substr(translate(encode(sha256((${seed})::text::bytea), 'base64'), '+/', '-_'), 1, 22)`;

const tenant = `(i / ${CONNECTIONS_PER_TENANT})`;
const tenantId = `'clones_' || ${tenant}`;
const connectionId = `'conn_' || ${random('i')}`;
const integrationRowId = `'int_' || ${random(tenant)}`;

/** What differs from the row that is copied: SQL in terms of `i`, and of `due`, whether the row is to be due. */
const CLONES = {
  integrations: { id: `'int_' || ${random('i')}`, tenant_id: "'clones_' || i" },
  connections: {
    id: connectionId,
    tenant_id: tenantId,
    integration_row_id: integrationRowId,
    user_id: `'user_' || i`,
    created_at: `t.created_at - random() * interval '90 days'`,
  },
  credentials: {
    connection_id: connectionId,
    tenant_id: tenantId,
    refresh_at: `CASE WHEN due THEN now() - random() * interval '5 seconds'
      ELSE now() + interval '${FIRST_DUE_MINUTES} minutes' + random() * interval '1 hour' END`,
    probe_at: `now() + interval '${FIRST_DUE_MINUTES} minutes' + random() * interval '15 minutes'`,
    expiring_at: `now() + random() * interval '76 days'`,
  },
} as const;

type Table = keyof typeof CLONES;

/** Secondary indexes, which are made anew after the rows: a fraction of the time. Keys and unique ones stay. */
const dropIndexes = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `SELECT i.indexname AS name, i.indexdef AS definition FROM pg_indexes i
     WHERE i.schemaname = 'public' AND i.tablename = ANY ($1) AND i.indexdef LIKE 'CREATE INDEX%'`,
    [Object.keys(CLONES)],
  );
  for (const { name } of rows) await client.query(`DROP INDEX "${name}"`);
  return rows.map(({ definition }) => definition);
};

/**
 * Fills a database up to `connections` with copies of one of its connections: the same columns, whatever they are, with
 * ids, owners and times of their own. Every so many are due, so that `due` of them lie all over the table; the others
 * come due in the hour that begins in half an hour.
 */
export const cloneConnections = async (
  client: pg.Client,
  { connections, due, tell }: { connections: number; due: number; tell: (done: number) => void },
): Promise<void> => {
  const { rows } = await client.query<{ present: number; template: string; integration: string }>(
    `SELECT count(*)::int AS present, min(id) AS template, min(integration_row_id) AS integration FROM connections`,
  );
  const { present = 0, template, integration } = rows[0] ?? {};
  const missing = connections - present;
  const dueEvery = Math.floor(missing / due);

  const copy = async (table: Table, key: string, id: unknown, from: number, to: number): Promise<void> => {
    const { rows: columns } = await client.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
      [table],
    );
    const changed: Readonly<Record<string, string>> = CLONES[table];
    await client.query(
      `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')})
       SELECT ${columns.map(({ name }) => changed[name] ?? `t.${name}`).join(', ')}
       FROM (SELECT * FROM ${table} WHERE ${key} = $1) t,
         (SELECT i, i % ${dueEvery} = 0 AND i < ${dueEvery * due} AS due
          FROM generate_series($2::int, $3::int) i) i`,
      [id, from, to - 1],
    );
  };

  const indexes = await dropIndexes(client);
  await copy('integrations', 'id', integration, 0, Math.ceil(missing / CONNECTIONS_PER_TENANT));
  for (let from = 0; from < missing; from += ROWS_PER_INSERT) {
    const to = Math.min(from + ROWS_PER_INSERT, missing);
    await copy('connections', 'id', template, from, to);
    await copy('credentials', 'connection_id', template, from, to);
    tell(present + to);
  }
  for (const definition of indexes) await client.query(definition);
  await client.query('VACUUM (ANALYZE)');
};
