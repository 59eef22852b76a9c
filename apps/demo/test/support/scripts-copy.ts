import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MarkedProcess, newMark } from './marked-processes.js';

const SCRIPTS = fileURLToPath(new URL('../../../../scripts', import.meta.url));
const POLL_MILLIS = 50;

/** A process that was started in the copy, with all that it has started. */
export interface Started {
  readonly child: ChildProcess;
  /** What it has printed so far, on both streams. */
  readonly output: () => string;
  /** Resolves when it has printed this. */
  readonly printed: (text: string) => Promise<void>;
  readonly ended: Promise<{ code: number | null; output: string }>;
  readonly living: () => MarkedProcess[];
  /** Resolves to what is left of it after a time in which all must have ended: an empty list, when all is well. */
  readonly left: (withinMillis: number) => Promise<MarkedProcess[]>;
}

/** A repository that has nothing but the real one's scripts, and tasks of the test's own. */
export interface ScriptsCopy {
  readonly root: string;
  /** What its processes have left in their temporary folder. */
  readonly temporaryFiles: () => string[];
  /** Adds `scripts/NAME.mjs` and the npm script for it. */
  readonly addTask: (name: string, source: string) => void;
  /** Adds a file below the root, as a program when told so. */
  readonly addFile: (name: string, source: string, mode?: number) => string;
  readonly start: (command: string, args: readonly string[], environment?: Record<string, string>) => Started;
  /** Ends what the test has started and removes the folder. */
  readonly remove: () => void;
}

/** What npm says of `npm test` in its environment is not for other runs; its settings, such as the registry, are. */
const ownEnvironment = (): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_(?!config_)|npm_config_local_prefix$|AUTHPIPE_|NODE_OPTIONS$|PORT$|INIT_CWD$)/.test(name),
    ),
  );

const until = async (condition: () => boolean, withinMillis: number): Promise<void> => {
  for (let waited = 0; waited < withinMillis && !condition(); waited += POLL_MILLIS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
};

/** Copies the scripts into a temporary folder. */
export const copyScripts = (): ScriptsCopy => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'authpipe-scripts-')));
  chmodSync(root, 0o755);
  const temporary = join(root, 't');
  mkdirSync(temporary);
  cpSync(SCRIPTS, join(root, 'scripts'), { recursive: true });
  const scripts: Record<string, string> = {};
  const started: Started[] = [];
  const addFile = (name: string, source: string, mode = 0o644) => {
    const path = join(root, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, source, { mode });
    return path;
  };

  const start: ScriptsCopy['start'] = (command, args, environment = {}) => {
    const mark = newMark();
    const child = spawn(command, args, {
      cwd: root,
      env: { ...ownEnvironment(), TMPDIR: temporary, ...environment, ...mark.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a shell starts it: the terminal's Ctrl-C goes to that group.
      detached: true,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk;
      });
    }
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output: text }));
    const printed = async (expected: string) => {
      await until(() => text.includes(expected) || child.exitCode !== null, 30_000);
      if (!text.includes(expected)) throw new Error(`It did not print "${expected}" but: ${text}`);
    };
    const left = async (withinMillis: number) => {
      await until(() => mark.living().length === 0, withinMillis);
      return mark.living();
    };
    const one = { child, output: () => text, printed, ended, living: mark.living, left };
    started.push(one);
    return one;
  };

  return {
    root,
    temporaryFiles: () => readdirSync(temporary).filter((name) => name.startsWith('authpipe-')),
    addFile,
    addTask: (name, source) => {
      addFile(join('scripts', `${name}.mjs`), source);
      scripts[name] = `node scripts/start.cjs ${name}`;
      addFile('package.json', JSON.stringify({ name: 'copy', private: true, type: 'module', scripts }));
    },
    start,
    remove: () => {
      for (const { pid } of started.flatMap((one) => one.living())) process.kill(pid, 'SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
};
