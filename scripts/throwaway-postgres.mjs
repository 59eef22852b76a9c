// A real Postgres for the tests, where its programs are installed: a new cluster in a temporary folder, thrown away at
// the end. Postgres refuses to run as root, so root hands it to the `postgres` user that its package made.
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, start } from './leash.mjs';

/** The newest installed server, or `null`. */
const findPrograms = () => {
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

/**
 * Starts a cluster that listens on loopback only and ends with this task. Resolves to its URL, or to `null`, loudly,
 * where Postgres is not installed.
 */
export const throwawayPostgres = async () => {
  const programs = findPrograms();
  if (!programs) {
    console.error(
      'NOTICE: Postgres is not installed, so every database test runs on the embedded database only.',
    );
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'authpipe-postgres-'));
  const owner = process.getuid?.() === 0 ? postgresUser() : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const port = await freePort();
  const initialised = await run(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'authpipe', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { quiet: true, cwd: folder, ...owner },
  );
  if (initialised !== 0) {
    console.error(
      'NOTICE: Postgres could not make a cluster (see above): database tests run on the embedded one only.',
    );
    return null;
  }
  start(
    join(programs, 'postgres'),
    [
      ...['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1'],
      // Nothing here has to survive a power cut.
      ...['-c', 'fsync=off', '-c', 'max_connections=200'],
    ],
    { stdio: 'ignore', cwd: folder, ...owner },
  );
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await run(join(programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)])) === 0) {
      return { url: `postgres://authpipe@127.0.0.1:${port}/postgres` };
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  console.error(
    'NOTICE: Postgres is installed but did not start; database tests run on the embedded database only.',
  );
  return null;
};
