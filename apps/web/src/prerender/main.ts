import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { renderDocument } from '../site/document.js';
import { sitePages } from '../site-pages.js';
import { builtAssets } from './built-assets.js';

// Runs from the package's folder, after the browser build: writes a file in dist for every page.
const distFolder = resolve('dist');
const assets = builtAssets(distFolder, resolve('src/site/favicon.svg'));

for (const page of sitePages(resolve('../../docs'))) {
  const file = join(distFolder, page.file ?? join(page.path, 'index.html'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, renderDocument(page, assets));
}

// Of use to this program only; it is not for visitors.
rmSync(join(distFolder, '.vite'), { recursive: true });
