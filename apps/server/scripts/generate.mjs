// Generates the Prisma client. It needs no engine here, but insists on a binary: any existing file will do.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync('prisma', ['generate', '--no-hints'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
});
process.exit(status ?? 1);
