// `npm run faults`: kills, outages, copies and backups, and whether a connection is lost by them. See apps/demo/src/faults.
import { join } from 'node:path';
import { endTask, holdLeash, run } from './leash.mjs';
import { build, install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
await build();
const main = join(root, 'apps', 'demo', 'src', 'faults', 'main.ts');
await endTask(
  await run(
    process.execPath,
    ['--conditions=authpipe:source', '--import', 'tsx', main, ...process.argv.slice(2)],
    { cwd: root, env: toolEnvironment },
  ),
);
