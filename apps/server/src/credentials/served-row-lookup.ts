import { createBatch } from '../batch.js';
import type { Database } from '../db/database.js';
import { CONNECTION_SOURCE } from './connection-row.js';
import { SERVED, type ServedRow } from './served-row.js';

/** Most look-ups that one statement does. */
const MAX_JOINED = 100;
/** Statements of a kind that may be under way: enough that one that hangs holds up nobody for long. */
const CONCURRENCY = 2;

/** Finds the row whose columns have these values, in their order; `undefined` where there is none. */
export type ServedRowLookup = (values: readonly string[]) => Promise<ServedRow | undefined>;

/**
 * A look-up by columns that name one connection: one statement, or a share of one while many are asked for. What is
 * answered was read after it was asked for.
 * @param columns of `connections`, all of them text
 * @param condition what else must hold of `c`
 */
export const createServedRowLookup = (
  db: Database,
  name: string,
  columns: readonly string[],
  condition = 'true',
): ServedRowLookup => {
  const alone = `SELECT ${SERVED} FROM ${CONNECTION_SOURCE}
    WHERE ${columns.map((column, index) => `c.${column} = $${index + 1}`).join(' AND ')} AND ${condition}`;
  // Each look-up is a path into the index. As JSON, since the planner would count the entries of arrays, and plan anew for
  // each number of them, which takes longer than all the look-ups.
  const joined = `SELECT wanted.position::int AS position, found.*
    FROM ROWS FROM (json_to_recordset($1::json) AS (${columns.map((column) => `${column} text`).join()}))
      WITH ORDINALITY AS wanted (${columns.join()}, position)
    CROSS JOIN LATERAL (SELECT ${SERVED} FROM ${CONNECTION_SOURCE}
      WHERE ${columns.map((column) => `c.${column} = wanted.${column}`).join(' AND ')} AND ${condition}
      LIMIT 1) found`;

  return createBatch<readonly string[], ServedRow | undefined>({
    maxItems: MAX_JOINED,
    concurrency: CONCURRENCY,
    run: async (lookups) => {
      const [first, ...others] = lookups;
      if (!first) return [];
      if (others.length === 0) return [(await db.query<ServedRow>(name, alone, first))[0]];
      const wanted = lookups.map((values) =>
        Object.fromEntries(columns.map((column, index) => [column, values[index]])),
      );
      const rows = await db.query<ServedRow & { position: number }>(`${name}_joined`, joined, [
        JSON.stringify(wanted),
      ]);
      const found: (ServedRow | undefined)[] = lookups.map(() => undefined);
      for (const row of rows) found[row.position - 1] = row;
      return found;
    },
  });
};
