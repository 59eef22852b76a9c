/** @jest-environment node */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { bundleText } from './bundle.js';

const SOURCES = join(import.meta.dirname, '../src');
const FILES = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.tsx?$/.test(file),
);

/** What a file imports at run time. */
const importsOf = (file: string): string[] => {
  const source = readFileSync(join(SOURCES, file), 'utf8');
  const statements = source.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)'/gm);
  return [...statements].map(([, from]) => from ?? '');
};

it('the sources import nothing at run time but React and themselves, so that no zod gets into a page', () => {
  for (const file of FILES.filter((name) => !name.includes('/'))) {
    for (const from of importsOf(file)) expect(from).toMatch(/^(\.\/[^/]+|react)$/);
  }
});

it('TanStack Query is imported below the subpaths alone, for it is an optional peer', () => {
  const folders = FILES.filter((name) => name.includes('/'));
  expect(folders.length).toBeGreaterThan(0);
  for (const file of folders) {
    for (const from of importsOf(file)) expect(from).toMatch(/^(\.\.?\/.+|react|@tanstack\/react-query)$/);
  }
});

it('the flow and the client of connections reach no React: they are for any framework', () => {
  const reached = new Set<string>();
  const reach = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const from of importsOf(file)) {
      expect([file, from]).toEqual([file, expect.stringMatching(/^\.\//)]);
      reach(from.replace(/^\.\//, '').replace(/\.js$/, '.ts'));
    }
  };
  reach('connect-flow.ts');
  reach('connections-client.ts');
  expect(reached.size).toBeGreaterThan(8);
});

it('a page that imports the package and uses nothing of it carries nothing of it', () => {
  const entries = ['index.js', 'query/index.js', 'connection-list/index.js', 'connections.js'];
  const imports = entries.map(
    (entry) => `import * as all${entry.replaceAll(/\W/g, '')} from '../src/${entry}';`,
  );
  const code = bundleText(`${imports.join('')} console.log('page');`).replaceAll(/^\/\/.*\n/gm, '');
  expect(code).toBe('console.log("page");\n');
});
