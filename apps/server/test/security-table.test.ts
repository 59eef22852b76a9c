import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const DOCUMENT = join(import.meta.dirname, '../../../docs/security/rfc9700.md');

const rows = readFileSync(DOCUMENT, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (-+|point|what) /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

const linksOf = (cell: string) => [...cell.matchAll(/\]\((\.\.\/[^)]+)\)/g)].map(([, path = '']) => path);

describe('the table of RFC 9700', () => {
  it('has all points of the list', () => {
    const numbers = rows.map(([point = '']) => Number.parseInt(point, 10)).filter(Number.isInteger);
    expect(numbers).toEqual([...Array.from({ length: 14 }, (_, index) => index + 1), 16, 17, 18, 19, 20, 21]);
  });

  it.each(rows.map(([point = '', ...row]) => [point, row] as const))(
    '%s: what it names is there',
    (_, row) => {
      const [, code = '', tests = ''] = row;
      expect(linksOf(code).length).toBeGreaterThan(0);
      for (const path of linksOf(code))
        expect([path, existsSync(join(dirname(DOCUMENT), path))]).toEqual([path, true]);
      const named = tests.split('; ').map((part) => {
        const [path = ''] = linksOf(part);
        return { path, sentences: [...part.matchAll(/“([^”]+)”/g)].map(([, sentence = '']) => sentence) };
      });
      for (const { path, sentences } of named) {
        const source = readFileSync(join(dirname(DOCUMENT), path), 'utf8');
        expect(sentences.length).toBeGreaterThan(0);
        for (const sentence of sentences) expect(source).toContain(`'${sentence}'`);
      }
    },
  );
});
