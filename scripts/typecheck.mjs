// `npm run typecheck`: every package against its sources.
import { endTask, holdLeash, run } from './leash.mjs';
import { EVERY_PACKAGE, install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
await endTask(
  await run('turbo', ['run', 'typecheck', '--output-logs=errors-only', ...EVERY_PACKAGE], {
    cwd: root,
    env: toolEnvironment,
  }),
);
