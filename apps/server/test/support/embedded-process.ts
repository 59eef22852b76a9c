import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HolderReport } from './embedded-holder.js';

const HOLDER = fileURLToPath(new URL('./embedded-holder.ts', import.meta.url));

/** A process of its own that has, or wants, an embedded database. */
export interface EmbeddedProcess {
  /** What it says of its try to open. */
  readonly report: Promise<HolderReport>;
  /** Lets it close the database and end. */
  readonly end: () => Promise<void>;
  /** Ends it as a crash does. */
  readonly crash: () => Promise<void>;
}

const running = new Set<ChildProcess>();

/** Opens the embedded database in another process: from the sources, or from a bundle of them. */
export const openElsewhere = (
  dataDir: string,
  { entry = HOLDER, childOptions = '' }: { entry?: string; childOptions?: string } = {},
): EmbeddedProcess => {
  const loader = entry.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, entry, dataDir, childOptions], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  const exited = once(child, 'exit').then(() => {
    running.delete(child);
  });
  const report = new Promise<HolderReport>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    void exited.then(() => reject(new Error('The process ended without a word.')));
  });
  // A test that crashes the process on purpose does not wait for its report.
  report.catch(() => {});
  const end = () => {
    child.stdin.end();
    return exited;
  };
  const crash = () => {
    child.kill('SIGKILL');
    return exited;
  };
  return { report, end, crash };
};

/** For the end of a test that failed midway. */
export const killAllElsewhere = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
