import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A living process that inherited a mark. */
export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

/** A name and value of the environment that a process and all below it carry, whatever becomes of their parents. */
export interface Mark {
  readonly environment: Readonly<Record<string, string>>;
  /** Those that live now; a zombie does not. */
  readonly living: () => MarkedProcess[];
}

const fromProc = (mark: string): MarkedProcess[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)) return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
        return [{ pid: Number(pid), command }];
      } catch {
        // Another user's, or gone by now.
        return [];
      }
    });

const fromPs = (mark: string): MarkedProcess[] =>
  execFileSync('ps', ['-AEww', '-o', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));

/** A new mark, which no process carries yet. */
export const newMark = (): Mark => {
  const value = randomUUID();
  const mark = `AUTHPIPE_TEST_MARK=${value}`;
  const living = () => (existsSync('/proc/self/environ') ? fromProc(mark) : fromPs(mark));
  return { environment: { AUTHPIPE_TEST_MARK: value }, living };
};
