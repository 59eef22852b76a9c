import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  dts: true,
  sourcemap: true,
  clean: true,
  target: 'es2022',
  // The bundler drops directives: without this one, Next.js would run the hooks on the server.
  banner: { js: "'use client';" },
});
