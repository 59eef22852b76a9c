import react from '@vitejs/plugin-react';
import { defaultServerConditions, defineConfig } from 'vite';

// Two builds make the site. The first turns scripts and styles into hashed files under dist/assets; the second
// compiles the page templates into a program that writes the HTML beside them (`src/prerender/main.ts`).
export default defineConfig(({ isSsrBuild }) =>
  isSsrBuild
    ? {
        plugins: [react()],
        // The catalogue is read from its sources, so that this build waits for no other.
        ssr: {
          noExternal: ['@authpipe/providers'],
          resolve: { conditions: ['authpipe:source', ...defaultServerConditions] },
        },
        build: { outDir: 'node_modules/.prerender', emptyOutDir: true, copyPublicDir: false },
      }
    : {
        build: {
          manifest: true,
          // A data URI would need a wider Content-Security-Policy than `'self'`.
          assetsInlineLimit: 0,
          modulePreload: false,
          rollupOptions: { input: 'src/browser/main.ts' },
        },
      },
);
