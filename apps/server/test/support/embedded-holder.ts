// A process that opens the embedded database in the folder given, adds a row, tells what it found in one line of JSON,
// and holds the database open until it is killed or its standard input ends. A second argument is NODE_OPTIONS for the
// processes that it starts.
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbedded } from '../../src/db/embedded.js';
import { createLogger } from '../../src/log/logger.js';

/** The line. */
export interface HolderReport {
  /** Message of the StartError, without which the database is open. */
  readonly refused?: string;
  /** Rows that were there before this process added one. */
  readonly rows?: number;
  /** The processes started while opening: whether each left a whole cluster in its folder. */
  readonly creators: readonly { readonly folder: string; readonly created: boolean }[];
}

const creators: { folder: string; created: boolean }[] = [];
subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  child.once('exit', () => {
    const folder = child.spawnargs.at(-1) ?? '';
    creators.push({ folder, created: existsSync(join(folder, 'global', 'pg_control')) });
  });
});

const say = (report: HolderReport): void => {
  process.stdout.write(`${JSON.stringify(report)}\n`);
};

const [, , dataDir = '', nodeOptions = ''] = process.argv;
process.env.NODE_OPTIONS = nodeOptions;
try {
  const db = await openEmbedded(dataDir, createLogger('silent'));
  await db.query('table', 'CREATE TABLE IF NOT EXISTS visits (id serial)', []);
  const rows = await db.query('visits', 'SELECT id FROM visits', []);
  await db.query('visit', 'INSERT INTO visits DEFAULT VALUES', []);
  say({ rows: rows.length, creators });
  process.stdin.resume().once('end', async () => {
    await db.close();
    process.exit(0);
  });
} catch (error) {
  if (!(error instanceof Error && error.name === 'StartError')) throw error;
  say({ refused: error.message, creators });
  process.exit(1);
}
