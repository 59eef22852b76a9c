import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The part of tsup that these tests use themselves. */
interface Bundler {
  buildSync(options: object): { outputFiles: [{ text: string }] };
}

/** Bundles as an app's bundler does for production. */
const build = (options: object): string => {
  const here = createRequire(import.meta.url);
  const { buildSync } = createRequire(here.resolve('tsup'))('esbuild') as Bundler;
  const { outputFiles } = buildSync({
    ...options,
    bundle: true,
    write: false,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0].text;
};

/** A page's script of this folder, bundled. */
export const bundle = (entry: string): string => build({ entryPoints: [join(import.meta.dirname, entry)] });

/** A module that might stand in this folder, bundled. */
export const bundleText = (contents: string): string =>
  build({ stdin: { contents, resolveDir: import.meta.dirname }, format: 'esm' });
