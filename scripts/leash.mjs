// A task's end of the leash that scripts/start.cjs holds, and the processes that hang on it: whatever ends the task ends
// them too.
import { spawn } from 'node:child_process';
import { rmdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** How long a process may take to end by itself before it is killed. */
const GRACE_MILLIS = 8_000;

/** What a killed process may take to go: one that is a zombie, or stuck in a system call, is not waited for. */
const DYING_MILLIS = 1_000;
const POLL_MILLIS = 50;

/** Processes of which something lives: themselves, or what they started and left behind. */
const running = new Set();
let ending = false;
let holding;

/** Read before any other module copies the environment: children must not think that they are tasks. */
const leashPath = process.env.AUTHPIPE_LEASH;
delete process.env.AUTHPIPE_LEASH;

/** What start.cjs could not remove itself because it was killed. */
const removeLeash = () => {
  try {
    rmSync(leashPath, { force: true });
    rmdirSync(dirname(leashPath));
  } catch {
    // Removed already.
  }
};

/** Signals a process and all below it: each was started as the head of its own group. False when none is left. */
const signalGroup = (child, signal) => {
  if (process.platform === 'win32') return child.kill(signal);
  try {
    return process.kill(-child.pid, signal);
  } catch (error) {
    return error.code === 'EPERM';
  }
};

const isAlive = (child) => child.pid !== undefined && signalGroup(child, 0);

/** Waits until none of the processes is left, or the time is over. */
const goneWithin = async (children, millis) => {
  for (let waited = 0; waited < millis && children.some(isAlive); waited += POLL_MILLIS) {
    await new Promise((done) => setTimeout(done, POLL_MILLIS));
  }
};

/** Whether this task is on its way out: what ends now was told to. */
export const isEnding = () => ending;

/** Ends everything that was started here, then this process. Safe to call many times: Ctrl-C arrives twice. */
export const endTask = async (exitCode) => {
  if (ending) return;
  ending = true;
  const children = [...running].filter(isAlive);
  for (const child of children) signalGroup(child, 'SIGTERM');
  await goneWithin(children, GRACE_MILLIS);
  const stubborn = children.filter(isAlive);
  for (const child of stubborn) signalGroup(child, 'SIGKILL');
  await goneWithin(stubborn, DYING_MILLIS);
  process.exit(exitCode);
};

/** Holds on to the process that started this task. Call once, first. */
export const holdLeash = () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endTask(130));
  process.on('uncaughtException', (error) => {
    // What breaks because the task is being ended is not worth a word.
    if (!ending) console.error(error instanceof TaskError ? error.message : error);
    endTask(1);
  });
  if (!leashPath) return;
  // Half open, so that the other side sees when this process has ended, and not only heard that it should.
  holding = connect({ path: leashPath, allowHalfOpen: true }).resume();
  process.on('exit', removeLeash);
  for (const event of ['end', 'close', 'error']) holding.on(event, () => endTask(130));
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
  // The other end ends them when this process can't: when it was killed itself.
  if (child.pid !== undefined) holding?.write(`+${child.pid}\n`);
  child.once('exit', () => {
    if (isAlive(child)) return;
    running.delete(child);
    holding?.write(`-${child.pid}\n`);
  });
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
