// Bundles the holder as tsup.config.ts bundles the server, into the folder given: main.js stands where the server's does.
import { build, type Options } from 'tsup';
import config from '../../tsup.config.js';

const [, , outDir = ''] = process.argv;
const server = config as Options;
await build({
  ...server,
  config: false,
  silent: true,
  clean: false,
  sourcemap: false,
  entry: { ...(server.entry as Record<string, string>), main: 'test/support/embedded-holder.ts' },
  outDir,
  onSuccess: async () => {},
});
