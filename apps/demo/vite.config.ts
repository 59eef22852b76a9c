import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The sample app's page. Beside it in dist are the bundles of tsup, which runs first and empties dist; this build empties
// its own folder only.
export default defineConfig({
  root: fileURLToPath(new URL('./src/app/web', import.meta.url)),
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('./dist/app', import.meta.url)),
    emptyOutDir: true,
    // Inlined assets would be data: URLs, which the app's Content-Security-Policy need not allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
