// A real Postgres cluster in a temporary folder, that can be stopped and started again. Postgres refuses to run as root,
// so root hands it to the `postgres` user that its package made.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_ATTEMPTS = 300;
const READY_PAUSE_MILLIS = 100;

/** The folder with the programs of the newest installed server, or `null`. */
export const findPostgresPrograms = () => {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => join(debian, version, 'bin'));
  try {
    folders.push(
      execFileSync('pg_config', ['--bindir'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim(),
    );
  } catch {
    // No pg_config: only Debian's folders are looked at.
  }
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
};

/** Who runs Postgres for root; the user comes with the package. */
const postgresUser = () => {
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
};

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const runToEnd = (spawnProcess) => async (command, args, options) => {
  const child = spawnProcess(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  return { code, printed: Buffer.concat(output).toString('utf8') };
};

/**
 * Makes a cluster that listens on loopback only, and starts it. Types and behaviour: postgres-cluster.d.mts.
 */
export const makePostgresCluster = async ({ settings = {}, spawnProcess = spawn } = {}) => {
  const programs = findPostgresPrograms();
  if (programs === null) return null;
  const run = runToEnd(spawnProcess);
  const folder = mkdtempSync(join(tmpdir(), 'authpipe-postgres-'));
  const owner = process.getuid?.() === 0 ? postgresUser() : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  const data = join(folder, 'data');
  const port = await freePort();
  const asOwner = { cwd: folder, ...owner };
  const mustRun = async (program, args) => {
    const { code, printed } = await run(join(programs, program), args, asOwner);
    if (code !== 0) throw new Error(`Postgres: ${program} ended with ${code}: ${printed}`);
    return printed;
  };
  await mustRun('initdb', ['-D', data, '-U', 'authpipe', '-A', 'trust', '-E', 'UTF8', '--no-sync']);

  // Nothing here has to survive a power cut.
  const chosen = { fsync: 'off', max_connections: '200', ...settings };
  const flags = Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let postmaster = null;
  const start = async () => {
    if (postmaster) return;
    const child = spawnProcess(
      join(programs, 'postgres'),
      ['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1', ...flags],
      { stdio: 'ignore', ...asOwner },
    );
    postmaster = child;
    for (let attempt = 0; attempt < READY_ATTEMPTS && child.exitCode === null; attempt += 1) {
      const args = ['-q', '-h', '127.0.0.1', '-p', String(port)];
      if ((await run(join(programs, 'pg_isready'), args, asOwner)).code === 0) return;
      await new Promise((done) => setTimeout(done, READY_PAUSE_MILLIS));
    }
    throw new Error('Postgres was set up and did not start.');
  };
  /** `SIGINT`: every connection is ended at once; `SIGQUIT`: as if it had crashed. */
  const stop = async (signal = 'SIGINT') => {
    const child = postmaster;
    if (!child) return;
    postmaster = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await start();
  return {
    url: `postgres://authpipe@127.0.0.1:${port}/postgres`,
    urlOf: (database) => `postgres://authpipe@127.0.0.1:${port}/${database}`,
    sql: (statement, database = 'postgres') =>
      mustRun('psql', [
        ...['-h', '127.0.0.1', '-p', String(port), '-U', 'authpipe', '-d', database],
        ...['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement],
      ]),
    start,
    stop,
    async close() {
      await stop('SIGQUIT');
      process.off('exit', remove);
      remove();
    },
  };
};
