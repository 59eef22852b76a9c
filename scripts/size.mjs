// `npm run size`: how large what a page loads is, minified and gzipped, without peers. The limits stand in the package.
import { join } from 'node:path';
import { endTask, holdLeash, run } from './leash.mjs';
import { build, install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
await build();
await endTask(await run('size-limit', [], { cwd: join(root, 'packages/react'), env: toolEnvironment }));
