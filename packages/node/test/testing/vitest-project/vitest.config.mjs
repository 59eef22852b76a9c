import { defineConfig } from 'vitest/config';

// The workspace's own export condition: the package resolves to its sources.
const conditions = ['authpipe:source', 'node', 'import', 'default'];

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  cacheDir: process.env.AUTHPIPE_VITEST_CACHE,
  test: { include: ['*.vitest.ts'], pool: 'threads', maxWorkers: 1 },
});
