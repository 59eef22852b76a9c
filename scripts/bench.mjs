// `npm run bench`: every benchmark; `npm run bench -- NAME`: one. Each prints its table and, last, a line of JSON.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { endTask, holdLeash, run, TaskError } from './leash.mjs';
import { build, install, root, toolEnvironment } from './prepare.mjs';
import { throwawayPostgres } from './throwaway-postgres.mjs';

holdLeash();
const names = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length));
const [wanted, ...rest] = process.argv.slice(2);
if (wanted !== undefined && !names.includes(wanted)) {
  throw new TaskError(`There is no benchmark "${wanted}": choose one of ${names.join(', ')}.`);
}
await install();
await build();
const postgres = process.env.AUTHPIPE_TEST_DATABASE_URL ? null : await throwawayPostgres();
const env = { ...toolEnvironment, ...(postgres ? { AUTHPIPE_TEST_DATABASE_URL: postgres.url } : {}) };
let failed = 0;
for (const name of wanted === undefined ? names : [wanted]) {
  const code = await run(process.execPath, ['--expose-gc', join(root, 'bench', `${name}.mjs`), ...rest], {
    cwd: root,
    env,
  });
  failed ||= code;
}
await endTask(failed);
