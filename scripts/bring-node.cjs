// Behind the door of every npm script: brings Node 24 and pnpm through npx, and runs scripts/TASK.mjs on them. The task
// holds a leash (a local socket) to this process: when this process ends in any way, or loses npm, the leash drops and
// the task tidies up.
'use strict';
const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const NODE_VERSION = '24.21.0';
const PNPM_VERSION = '12.21.0';
/** What a task gets to tidy up: more than the grace of leash.mjs. */
const TIDY_MILLIS = 15000;
/** What processes get whose task was killed. */
const LEFTOVER_MILLIS = 5000;
const root = path.dirname(__dirname);
const task = process.argv[2];

function stop(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

if (!/^[a-z]+$/.test(task || '') || !fs.existsSync(path.join(__dirname, `${task}.mjs`))) {
  stop(`There is no task "${task || ''}": see the scripts in package.json.`);
}
try {
  // The kernel's word, which mode bits do not tell: read-only mounts.
  fs.rmdirSync(fs.mkdtempSync(path.join(root, '.authpipe-write-')));
} catch {
  stop(`Authpipe can't write to ${root}: clone it into a folder of your own, or change the folder's owner.`);
}

/** Parent and command line of a process, or null. /proc first: not every machine has `ps`. */
function parentOf(pid) {
  try {
    const [, rest] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?=[A-Z] \d)/);
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
    return { parent: Number(rest.split(' ')[1]), command };
  } catch {
    // Not Linux, or gone.
  }
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [, parent, command] = /^(\d+)\s+(.*)$/s.exec(line);
    return { parent: Number(parent), command };
  } catch {
    return null;
  }
}

/**
 * The shell that npm may have put between itself and us. npm's death is told to nobody; it shows as a new parent of the
 * process below it (npm's own pid may live on as a zombie).
 */
const shell = parentOf(process.ppid);
const isNpmsShell =
  shell !== null && /^(\S*\/)?(ba|da|z)?sh /.test(shell.command) && shell.command.includes('start.cjs');
const parentAtStart = process.ppid;

function isOrphaned() {
  if (process.ppid !== parentAtStart) return true;
  if (!isNpmsShell) return false;
  const now = parentOf(parentAtStart);
  return now === null || now.parent !== shell.parent;
}

/** A folder that only this user enters: who holds the leash decides when the task ends. */
function makeLeashFolder() {
  try {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'authpipe-'));
  } catch {
    return stop(`Authpipe can't write to the temporary folder ${os.tmpdir()}: choose another with TMPDIR.`);
  }
}

const leashFolder = process.platform === 'win32' ? null : makeLeashFolder();
const leashPath = leashFolder ? path.join(leashFolder, 'leash') : `\\\\.\\pipe\\authpipe-${process.pid}`;
let holder = null;
let ending = false;
let child = null;

/** Heads of the process groups that the task has started: it tells of each when it starts (`+PID`) and ends (`-PID`). */
const groups = new Set();

function readGroups(socket) {
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) groups[line[0] === '+' ? 'add' : 'delete'](Number(line.slice(1)));
  });
}

function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Ends what the task has left behind, which it does only when it was killed. */
function endLeftovers(done) {
  const startedAt = Date.now();
  for (const pid of groups) signalGroup(pid, 'SIGTERM');
  (function look() {
    const left = [...groups].filter((pid) => signalGroup(pid, 0));
    if (left.length > 0 && Date.now() - startedAt < LEFTOVER_MILLIS) return setTimeout(look, 50);
    for (const pid of left) signalGroup(pid, 'SIGKILL');
    return done();
  })();
}

/** The task keeps its side of the socket open until it has ended: that is how its end is seen. */
const leash = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  if (holder) {
    socket.destroy();
    return;
  }
  holder = socket;
  readGroups(socket);
  if (ending) socket.end();
});

function end() {
  if (ending) return;
  ending = true;
  if (holder) holder.end();
  else if (child) child.kill('SIGTERM');
  // Past its time to tidy up, npx is ended too.
  setTimeout(() => child?.kill('SIGKILL'), TIDY_MILLIS).unref();
}

/** Drops the leash, and calls back when the task has ended: npx may well end before it. */
function letGo(done) {
  if (!holder || holder.readableEnded || holder.destroyed) return endLeftovers(done);
  let isDone = false;
  const once = () => {
    if (!isDone) endLeftovers(done);
    isDone = true;
  };
  holder.once('end', once);
  holder.once('close', once);
  setTimeout(once, TIDY_MILLIS);
  holder.end();
}

function tidy() {
  leash.close();
  if (leashFolder) fs.rmSync(leashFolder, { recursive: true, force: true });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
setInterval(() => {
  if (isOrphaned()) end();
}, 500).unref();

leash.on('error', (error) => {
  tidy();
  stop(`Authpipe can't make a socket in ${os.tmpdir()} (${error.code}): choose another folder with TMPDIR.`);
});
leash.listen(leashPath, () => {
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const command = ['--yes', '-p', `node@${NODE_VERSION}`, '-p', `pnpm@${PNPM_VERSION}`, '--', 'node'];
  child = spawn(npx, command.concat(path.join(__dirname, `${task}.mjs`), process.argv.slice(3)), {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: Object.assign({}, process.env, { AUTHPIPE_LEASH: leashPath }),
  });
  child.on('error', (error) => {
    tidy();
    stop(`npx could not be started (${error.code}): install npm, which comes with Node.`);
  });
  child.on('exit', (code, signal) => {
    const hadTask = holder !== null;
    letGo(() => {
      tidy();
      if (!hadTask && !ending) {
        stop(
          'npx could not bring Node ' +
            NODE_VERSION +
            ' and pnpm ' +
            PNPM_VERSION +
            ": see its message above; check that the npm registry is reachable and that npm's cache folder is yours (`npm config get cache`).",
        );
      }
      process.exit(ending ? 130 : signal ? 1 : code);
    });
  });
});
