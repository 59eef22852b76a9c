import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'okta-sdk': 'src/okta-sdk.ts', testing: 'src/testing/index.ts' },
  format: ['esm', 'cjs'],
  dts: { compilerOptions: { stripInternal: true } },
  sourcemap: true,
  // In CommonJS too: an AuthpipeError of one entry point has to be the AuthpipeError of the other.
  splitting: true,
  clean: true,
  target: 'es2022',
});
