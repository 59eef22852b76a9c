import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssetPaths } from '../site/asset-paths.js';

/** What Vite's manifest says of one entry. */
interface ManifestEntry {
  readonly file: string;
  readonly css?: readonly string[];
}

/**
 * Addresses of the files that the browser build left in `distFolder`, and of the icon, which is put there now under a
 * name with its hash. Throws where the browser build has not run.
 */
export function builtAssets(distFolder: string, iconFile: string): AssetPaths {
  const manifest: Record<string, ManifestEntry> = JSON.parse(
    readFileSync(join(distFolder, '.vite/manifest.json'), 'utf8'),
  );
  const entry = manifest['src/browser/main.ts'];
  const stylesheet = entry?.css?.[0];
  if (!entry || !stylesheet) throw new Error('The browser build is missing. Run `vite build` first.');
  return {
    script: `/${entry.file}`,
    stylesheet: `/${stylesheet}`,
    icon: `/${placeIcon(distFolder, iconFile)}`,
  };
}

function placeIcon(distFolder: string, iconFile: string): string {
  const icon = readFileSync(iconFile);
  const hash = createHash('sha256').update(icon).digest('base64url').slice(0, 8);
  const name = `assets/icon-${hash}.svg`;
  mkdirSync(join(distFolder, 'assets'), { recursive: true });
  writeFileSync(join(distFolder, name), icon);
  return name;
}
