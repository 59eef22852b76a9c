// What every task needs first: dependencies, the generated database client, and, for some, built packages.
import { join } from 'node:path';
import { runOrFail } from './leash.mjs';

export const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');

/** Environment of tools: nothing phones home, and the workspace's own commands are found. */
export const toolEnvironment = {
  ...process.env,
  PATH: `${bin}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH}`,
  CHECKPOINT_DISABLE: '1',
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

const say = (line) => process.stderr.write(`${line}\n`);

/** Installs exactly what the lockfile says. */
export const install = async () => {
  say('Installing dependencies …');
  await runOrFail('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], {
    cwd: root,
    quiet: true,
    env: { ...toolEnvironment, CI: '1' },
    complaint:
      'The dependencies could not be installed: see above; is the npm registry reachable, and is there space on the disk?',
  });
};

/** Everything but the root itself, whose scripts of the same names lead here. */
export const EVERY_PACKAGE = ['--filter=./packages/*', '--filter=./apps/*'];

/** Builds every package and app. Unchanged ones come from turborepo's cache. */
export const build = async () => {
  say('Building …');
  await runOrFail('turbo', ['run', 'build', '--output-logs=errors-only', ...EVERY_PACKAGE], {
    cwd: root,
    quiet: true,
    env: toolEnvironment,
    complaint: 'The build failed: see above.',
  });
};
