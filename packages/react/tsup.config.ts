import { readdir, readFile, writeFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    query: 'src/query/index.ts',
    'connection-list': 'src/connection-list/index.ts',
    connections: 'src/connections.ts',
  },
  format: ['esm', 'cjs'],
  // In CommonJS too: the provider of one entry point has to be the provider of the others.
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  target: 'es2022',
  // The bundler drops directives: without this one, Next.js would run the hooks on the server.
  banner: { js: "'use client';" },
  // What makes CommonJS of a chunk puts its own line before the banner, where a directive does not count any more.
  async onSuccess() {
    for (const file of await readdir('dist')) {
      if (!file.endsWith('.cjs')) continue;
      const code = await readFile(`dist/${file}`, 'utf8');
      await writeFile(`dist/${file}`, code.replace(/^"use strict";/, '"use client";"use strict";'));
    }
  },
});
