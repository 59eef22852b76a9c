import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const SOURCES = join(import.meta.dirname, '../src');

it('the sources import nothing at run time but React and themselves, so that no zod gets into a page', () => {
  for (const file of readdirSync(SOURCES)) {
    const source = readFileSync(join(SOURCES, file), 'utf8');
    const statements = source.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)'/gm);
    for (const [, from] of statements) expect(from).toMatch(/^(\.\/|react$)/);
  }
});
