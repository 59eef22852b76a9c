// `npm run lint`: format and lint rules, the rule of rooms, no provider's name in shared code, no schema without its
// migration, no changeset that can't be read, nothing public without its docs.
import { endTask, holdLeash, run } from './leash.mjs';
import { install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
const options = { cwd: root, env: toolEnvironment };
const style = await run('biome', ['check', '.'], options);
const rooms = await run('depcruise', ['--config', '.dependency-cruiser.cjs', 'packages', 'apps'], options);
const names = await run('node', ['scripts/provider-names.mjs'], options);
const schema = await run('node', ['apps/server/scripts/migration.mjs', '--check'], options);
const changesets = await run('node', ['scripts/changesets.mjs'], options);
const reference = await run('pnpm', ['--filter', '@authpipe/node', 'run', 'docs', '--emit', 'none'], {
  ...options,
  quiet: true,
});
await endTask(style || rooms || names || schema || changesets || reference);
