import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encryptionKeysOf } from '../src/config/encryption-keys.js';
import { createLogger } from '../src/log/logger.js';
import { systemRandomness } from '../src/randomness.js';

describe('the root keys of the vault', () => {
  let folder: string;
  let dataDir: string;
  let lines: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'authpipe-key-'));
    dataDir = join(folder, 'data');
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const keysOf = (given: readonly Buffer[] | null, isProduction: boolean) =>
    encryptionKeysOf(
      { encryptionKeys: given, isProduction, dataDir },
      {
        log: createLogger('warn', { write: (line) => lines.push(line) }),
        randomBytes: systemRandomness.bytes,
      },
    );

  it('are those given, without a warning or a file', () => {
    const given = [Buffer.alloc(32, 1)];
    expect(keysOf(given, true)).toBe(given);
    expect(lines).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('have to be given in production', () => {
    expect(() => keysOf(null, true)).toThrow('AUTHPIPE_ENCRYPTION_KEY is missing');
    expect(() => keysOf(null, true)).toThrow('openssl rand -base64 32');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('do not come from a development key in production, although one is there', () => {
    keysOf(null, false);
    expect(() => keysOf(null, true)).toThrow('AUTHPIPE_ENCRYPTION_KEY is missing');
  });

  it('are made once in development, in a file for its owner alone, with a warning that does not hold them', () => {
    const [first] = keysOf(null, false);
    expect(first).toHaveLength(32);
    expect(readdirSync(dataDir)).toEqual(['encryption-key']);
    expect(statSync(join(dataDir, 'encryption-key')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(keysOf(null, false)).toEqual([first]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('AUTHPIPE_ENCRYPTION_KEY');
    expect(lines.join()).not.toContain(first?.toString('base64'));
  });

  it('refuse a development key that others may read', () => {
    keysOf(null, false);
    chmodSync(join(dataDir, 'encryption-key'), 0o644);
    expect(() => keysOf(null, false)).toThrow('chmod 600');
  });

  it('refuse a development key file that was damaged, without its content', () => {
    keysOf(null, false);
    const path = join(dataDir, 'encryption-key');
    const half = readFileSync(path, 'utf8').slice(0, 20);
    writeFileSync(path, half);
    expect(() => keysOf(null, false)).toThrow(path);
    expect(() => keysOf(null, false)).not.toThrow(half);
  });

  it('say what to do when the data folder can’t be written to', () => {
    writeFileSync(dataDir, 'a file stands where the folder should be');
    expect(() => keysOf(null, false)).toThrow('choose another folder with AUTHPIPE_DATA_DIR');
  });
});
