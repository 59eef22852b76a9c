import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BUILT = join(ROOT, 'apps', 'server', 'dist', 'main.js');
const SOURCES = ['apps/server/src', 'apps/server/prisma', 'packages/types/src', 'packages/providers/src'];

/** Whether the server was built after the last change of its sources: it starts in half the time then. */
export function isServerBuildFresh(): boolean {
  if (!existsSync(BUILT)) return false;
  const builtAt = statSync(BUILT).mtimeMs;
  return SOURCES.every((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .every((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs <= builtAt),
  );
}
