// What finding and claiming due refreshes costs in a database of many connections, as a process of its own: the
// statements that the server sends, explained by Postgres, in transactions that are rolled back. `BENCH_SHOW_PLANS=1`
// prints the plans.
import pg from 'pg';
import { systemClock } from '../src/clock.js';
import { createRefreshStore } from '../src/credentials/refresh-store.js';
import type { Database } from '../src/db/database.js';
import { createNodes } from '../src/db/nodes.js';
import { systemRandomness } from '../src/randomness.js';
import type { Vault } from '../src/vault/vault.js';
import { answerTasks } from './answer-tasks.js';
import { cloneConnections } from './clone-connections.js';

/** Postgres chooses a statement's lasting plan after five executions. */
const WARM_UP_RUNS = 7;
const RUNS = 7;

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What of Postgres's answer to EXPLAIN is read here. */
interface Explained {
  readonly Plan: { readonly [figure: string]: number };
  readonly 'Execution Time': number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** What a claim would send, with its values. */
const captureClaim = async (limit: number): Promise<Statement[]> => {
  const statements: Statement[] = [];
  const capturing = {
    query: async (_name: string, text: string, values: readonly unknown[]) => {
      statements.push({ text, values });
      return [];
    },
  } as unknown as Database;
  const store = createRefreshStore({
    db: capturing,
    vault: {} as Vault,
    clock: systemClock,
    randomness: systemRandomness,
    nodes: createNodes({ db: capturing, clock: systemClock, id: 'node_bench' }),
    proof: () => null,
  });
  await store.claimDueRefreshes(new Date(), limit);
  return statements;
};

const literal = (value: unknown): string => {
  if (value === null || value === undefined) return 'NULL';
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString());
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`;
  return pg.escapeLiteral(String(value));
};

/** Runs the statements as the server's connections do, prepared, and sums up what they took. */
const explain = async (client: pg.Client, statements: readonly Statement[]) => {
  const cost = { buffers: 0, millis: 0, rows: 0 };
  await client.query('BEGIN');
  for (const [index, { values }] of statements.entries()) {
    const call = values.length > 0 ? `(${values.map(literal).join(', ')})` : '';
    const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE claim_${index}${call}`,
    );
    const explained = rows[0]?.['QUERY PLAN'][0];
    if (!explained) throw new Error('Postgres explained nothing.');
    if (process.env.BENCH_SHOW_PLANS) console.log(JSON.stringify(explained, null, 1));
    cost.buffers += (explained.Plan['Shared Hit Blocks'] ?? 0) + (explained.Plan['Shared Read Blocks'] ?? 0);
    cost.millis += explained['Execution Time'];
    cost.rows = Math.max(cost.rows, explained.Plan['Actual Rows'] ?? 0);
  }
  await client.query('ROLLBACK');
  return cost;
};

const withClient = async <Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

answerTasks({
  /** Fills the database; `due` of the new connections are due. */
  fill: ({ connections, due }: { connections: number; due: number }) =>
    withClient((client) =>
      cloneConnections(client, {
        connections,
        due,
        tell: (done) => console.log(`        ${done.toLocaleString('en')} connections`),
      }),
    ),

  /** Buffers and milliseconds of a claim of `due` connections, medians of several runs. */
  measure: (due: number) =>
    withClient(async (client) => {
      const statements = await captureClaim(due);
      for (const [index, { text }] of statements.entries()) {
        await client.query(`PREPARE claim_${index} AS ${text}`);
      }
      for (let run = 0; run < WARM_UP_RUNS; run += 1) await explain(client, statements);
      const costs = [];
      for (let run = 0; run < RUNS; run += 1) {
        // What the runs before left dead is gone: each finds the tables as the first one did.
        await client.query('VACUUM (INDEX_CLEANUP ON) credentials');
        const cost = await explain(client, statements);
        if (cost.rows !== due) throw new Error(`The claim found ${cost.rows} of ${due} due connections.`);
        costs.push(cost);
      }
      return {
        buffers: median(costs.map(({ buffers }) => buffers)),
        millis: median(costs.map(({ millis }) => millis)),
        statements: statements.length,
      };
    }),
});
