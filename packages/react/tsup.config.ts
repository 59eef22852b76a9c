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
});
