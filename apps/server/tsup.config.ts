import { cpSync, rmSync } from 'node:fs';
import { defineConfig } from 'tsup';

export default defineConfig({
  // create-pglite runs as a child process, so it needs a file of its own.
  entry: { main: 'src/main.ts', 'create-embedded': 'src/db/create-embedded.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  sourcemap: true,
  clean: true,
  // The tarball stands alone: workspace packages and the generated client are part of it.
  noExternal: [/^@authpipe\//],
  esbuildOptions: (options) => {
    options.conditions = ['authpipe:source', 'import', 'node'];
  },
  onSuccess: async () => {
    rmSync('dist/web', { recursive: true, force: true });
    cpSync('../web/dist', 'dist/web', { recursive: true });
  },
});
