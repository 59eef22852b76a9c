import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../', import.meta.url));
const BUILT = join(DEMO, 'dist', 'app');

/** The sample app's built page. `npm test` builds it first; a test that is run alone builds it here where it is missing. */
export async function builtPage(): Promise<string> {
  if (existsSync(join(BUILT, 'index.html'))) return BUILT;
  const own = join(DEMO, 'dist', `app-${process.pid}`);
  const vite = join(DEMO, 'node_modules', 'vite', 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', '--outDir', own], { cwd: DEMO, stdio: 'ignore' });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error('The page could not be built: `npm run build` says why.');
  try {
    renameSync(own, BUILT);
  } catch {
    // Another test was quicker.
    rmSync(own, { recursive: true, force: true });
  }
  return BUILT;
}
