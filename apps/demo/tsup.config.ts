import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { org: 'src/org/main.ts', app: 'src/app/main.ts', check: 'src/check/main.ts' },
  format: ['esm'],
  sourcemap: true,
  clean: true,
  target: 'es2023',
  noExternal: [/^@authpipe\/providers/],
});
