// A task's end of the leash that scripts/start.cjs holds, and the processes that hang on it: whatever ends the task ends
// them too.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';

/** How long a process may take to end by itself before it is killed. */
const GRACE_MILLIS = 8_000;

const running = new Set();
let ending = false;
let holding;

const isAlive = (child) => child.exitCode === null && child.signalCode === null;

/** Signals a process and all below it: each was started as the head of its own group. */
const signalGroup = (child, signal) => {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
};

/** Ends everything that was started here, then this process. Safe to call many times: Ctrl-C arrives twice. */
export const endTask = async (exitCode) => {
  if (ending) return;
  ending = true;
  const children = [...running].filter(isAlive);
  for (const child of children) signalGroup(child, 'SIGTERM');
  const killer = setTimeout(() => {
    for (const child of children) signalGroup(child, 'SIGKILL');
  }, GRACE_MILLIS);
  await Promise.all(
    children.map((child) => (isAlive(child) ? new Promise((done) => child.once('exit', done)) : null)),
  );
  clearTimeout(killer);
  process.exit(exitCode);
};

/** Holds on to the process that started this task. Call once, first. */
export const holdLeash = () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endTask(130));
  process.on('uncaughtException', (error) => {
    console.error(error instanceof TaskError ? error.message : error);
    endTask(1);
  });
  const path = process.env.AUTHPIPE_LEASH;
  if (!path) return;
  holding = connect(path);
  for (const event of ['end', 'close', 'error']) holding.on(event, () => endTask(130));
  // Children must not think that they are tasks.
  delete process.env.AUTHPIPE_LEASH;
};

/** A failure that is told in one sentence, without a stack. */
export class TaskError extends Error {}

/**
 * Starts a process in a group of its own.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export const start = (command, args, options = {}) => {
  if (ending) throw new TaskError('The task is ending.');
  const child = spawn(command, args, {
    stdio: 'inherit',
    detached: process.platform !== 'win32',
    ...options,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
};

/** Runs a process to its end and resolves to its exit code; its output is kept back and shown only if it fails, where `quiet`. */
export const run = (command, args, { quiet = false, ...options } = {}) =>
  new Promise((resolve, reject) => {
    const child = start(command, args, quiet ? { ...options, stdio: ['ignore', 'pipe', 'pipe'] } : options);
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('error', (error) =>
      reject(new TaskError(`${command} could not be started: ${error.message}`)),
    );
    child.once('exit', (code) => {
      if (quiet && code !== 0 && !ending) process.stderr.write(Buffer.concat(output));
      resolve(code ?? 1);
    });
  });

/** Runs a process that must succeed; `complaint` says what to do when it does not. */
export const runOrFail = async (command, args, { complaint, ...options }) => {
  if ((await run(command, args, options)) !== 0) throw new TaskError(complaint);
};
