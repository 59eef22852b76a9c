// `npm test`: builds, then runs every test with one Jest, so that the output ends with Jest's summary.
import { join } from 'node:path';
import { endTask, holdLeash, run } from './leash.mjs';
import { build, install, root, toolEnvironment } from './prepare.mjs';
import { throwawayPostgres } from './throwaway-postgres.mjs';

holdLeash();
await install();
await build();
const postgres = process.env.AUTHPIPE_TEST_DATABASE_URL ? null : await throwawayPostgres();
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const flags = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  // V8 13.6 ended a worker once, in hundreds of embedded databases, while it freed their machine code ("Check failed:
  // jit_page_->allocations_.erase"): it keeps what it made.
  '--no-wasm-code-gc',
  '--no-flush-liftoff-code',
];
const code = await run(process.execPath, [...flags, jest, ...process.argv.slice(2)], {
  cwd: root,
  env: { ...toolEnvironment, ...(postgres ? { AUTHPIPE_TEST_DATABASE_URL: postgres.url } : {}) },
});
await endTask(code);
