import { expect, it } from '@jest/globals';
import { warnOfEmbedded } from '../src/config/warn-of-embedded.js';
import { createLogger } from '../src/log/logger.js';

const linesOf = (config: { isProduction: boolean; databaseUrl: string | undefined }): string[] => {
  const lines: string[] = [];
  warnOfEmbedded(
    { dataDir: '/srv/authpipe', ...config },
    createLogger('warn', { write: (line) => lines.push(line) }),
  );
  return lines;
};

it('production on the embedded database is warned of in one line that says what to set', () => {
  const lines = linesOf({ isProduction: true, databaseUrl: undefined });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('DATABASE_URL');
  expect(lines[0]).toContain('/srv/authpipe');
});

it('neither development nor a real Postgres is warned of', () => {
  expect(linesOf({ isProduction: false, databaseUrl: undefined })).toEqual([]);
  expect(linesOf({ isProduction: true, databaseUrl: 'postgres://u:planted@db/authpipe' })).toEqual([]);
});
