// `npm run build`: everything that is published or served.
import { endTask, holdLeash } from './leash.mjs';
import { build, install } from './prepare.mjs';

holdLeash();
await install();
await build();
await endTask(0);
