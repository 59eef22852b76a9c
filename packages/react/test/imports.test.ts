import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

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
