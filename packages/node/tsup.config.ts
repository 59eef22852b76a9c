import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/okta-sdk.ts'],
  format: ['esm', 'cjs'],
  dts: true,
  sourcemap: true,
  // In CommonJS too: an AuthpipeError of one entry point has to be the AuthpipeError of the other.
  splitting: true,
  clean: true,
  target: 'es2022',
});
