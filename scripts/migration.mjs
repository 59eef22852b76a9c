// `npm run migration -- NAME`: writes the next migration from the schema, and generates the client anew.
import { endTask, holdLeash, runOrFail } from './leash.mjs';
import { install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
const options = { cwd: `${root}/apps/server`, env: toolEnvironment };
await runOrFail(process.execPath, ['scripts/migration.mjs', ...process.argv.slice(2)], {
  ...options,
  complaint: 'No migration was written: see above.',
});
await runOrFail('pnpm', ['run', 'generate'], {
  ...options,
  quiet: true,
  complaint: 'The client could not be generated: see above.',
});
await endTask(0);
