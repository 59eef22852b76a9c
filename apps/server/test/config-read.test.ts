import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../src/config/read-config.js';
import { StartError } from '../src/errors/start-error.js';

const KEY = Buffer.alloc(32, 7).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64');
const API_KEY = `ap_live_${'k'.repeat(43)}`;
const PRODUCTION = { AUTHPIPE_URL: 'https://authpipe.example.com', AUTHPIPE_ENCRYPTION_KEY: KEY };

/** What the person at the terminal is told. */
const refusal = (environment: Record<string, string>): string => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof StartError) return inspect(error);
    throw error;
  }
  throw new Error('The settings were accepted.');
};

describe('settings', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'authpipe-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (content: string): string => {
    const path = join(folder, `${Math.abs(content.length)}-${process.hrtime.bigint()}`);
    writeFileSync(path, content);
    return path;
  };

  it('need none in development', () => {
    expect(readConfig({})).toMatchObject({
      isProduction: false,
      port: 4600,
      publicUrl: 'http://localhost:4600',
      dataDir: resolve('.authpipe'),
      databaseUrl: undefined,
      encryptionKeys: null,
      bootApiKey: undefined,
      allowLoopback: false,
      probeIntervalSeconds: 900,
      logLevel: 'info',
      deploymentId: null,
      trustedProxies: 0,
    });
  });

  it('follow the port in the default URL', () => {
    expect(readConfig({ PORT: '4750' }).publicUrl).toBe('http://localhost:4750');
  });

  it('take an empty value for none, as compose files give it', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ', AUTHPIPE_ENCRYPTION_KEY: '' })).toMatchObject({
      port: 4600,
      databaseUrl: undefined,
      encryptionKeys: null,
    });
  });

  it.each([
    ['a loopback URL', { AUTHPIPE_URL: 'http://authpipe.localhost:4600' }, false],
    ['a loopback address', { AUTHPIPE_URL: 'http://127.0.0.1:4600/' }, false],
    ['a public URL', PRODUCTION, true],
    [
      'a loopback URL with NODE_ENV=production',
      { AUTHPIPE_URL: 'https://localhost', NODE_ENV: 'production' },
      true,
    ],
    ['a public URL with NODE_ENV=development', { ...PRODUCTION, NODE_ENV: 'development' }, true],
    ['a host that only begins like loopback', { AUTHPIPE_URL: 'https://localhost.evil.net' }, true],
  ])('hold %s for production: %#', (_name, environment, isProduction) => {
    expect(readConfig(environment).isProduction).toBe(isProduction);
  });

  it('read every variable from a file too, without the line end', () => {
    const config = readConfig({
      AUTHPIPE_ENCRYPTION_KEY_FILE: file(`${KEY}\n`),
      DATABASE_URL_FILE: file('postgres://u:p@db/authpipe\n'),
      AUTHPIPE_API_KEY_FILE: file(`${API_KEY}\r\n`),
      PORT_FILE: file('4751'),
    });
    expect(config.encryptionKeys).toEqual([Buffer.alloc(32, 7)]);
    expect(config).toMatchObject({
      databaseUrl: 'postgres://u:p@db/authpipe',
      bootApiKey: API_KEY,
      port: 4751,
    });
  });

  it('refuse a variable that is given twice, and a file that is not there', () => {
    expect(refusal({ PORT: '1', PORT_FILE: file('2') })).toContain('either PORT or PORT_FILE');
    const missing = refusal({ AUTHPIPE_API_KEY_FILE: join(folder, 'missing') });
    expect(missing).toContain('AUTHPIPE_API_KEY_FILE');
    expect(missing).toContain('ENOENT');
  });

  it("take the deployment's name", () => {
    expect(readConfig({ AUTHPIPE_DEPLOYMENT_ID: 'prod_eu-1' }).deploymentId).toBe('prod_eu-1');
  });

  it('take several root keys, in their order', () => {
    expect(readConfig({ AUTHPIPE_ENCRYPTION_KEY: `${OTHER_KEY}, ${KEY}` }).encryptionKeys).toEqual([
      Buffer.alloc(32, 8),
      Buffer.alloc(32, 7),
    ]);
  });

  it.each([
    ['too short', Buffer.alloc(31, 9).toString('base64'), 'has 31 bytes instead of 32'],
    ['too long', Buffer.alloc(33, 9).toString('base64'), 'has 33 bytes instead of 32'],
    ['hexadecimal', Buffer.alloc(32, 9).toString('hex'), 'has 48 bytes instead of 32'],
    ['no base64', `${KEY.slice(0, 42)}*=`, 'is not base64'],
    ['base64url', Buffer.alloc(32, 0xff).toString('base64url'), 'is not base64'],
    ['one of two', `${KEY},${KEY.slice(4)}`, '(key 2 of 2)'],
  ])('refuse a root key that is %s, saying how to make one and not what was given', (_name, key, told) => {
    const message = refusal({ AUTHPIPE_ENCRYPTION_KEY: key });
    expect(message).toContain('AUTHPIPE_ENCRYPTION_KEY');
    expect(message).toContain(told);
    expect(message).toContain('openssl rand -base64 32');
    for (const part of key.split(',')) expect(message).not.toContain(part);
  });

  it.each([
    ['PORT', 'http', 'whole number'],
    ['PORT', '65536', 'between 0 and 65535'],
    ['PORT', '-1', 'whole number'],
    ['AUTHPIPE_URL', 'authpipe.example.com', 'https://authpipe.example.com'],
    ['AUTHPIPE_URL', 'https://example.com/authpipe', 'without a path'],
    ['AUTHPIPE_URL', 'https://user:planted@example.com', 'without a path'],
    ['AUTHPIPE_URL', 'http://authpipe.example.com', 'must be https://'],
    ['DATABASE_URL', 'mysql://root:planted@db/authpipe', 'postgres://'],
    ['DATABASE_DIRECT_URL', 'planted', 'postgres://'],
    ['AUTHPIPE_API_KEY', 'planted', '32 or more'],
    ['AUTHPIPE_API_KEY', `ap_LIVE_${'planted'.repeat(7)}`, '32 or more'],
    ['AUTHPIPE_API_KEY', 'ap_live_planted', '32 or more'],
    ['AUTHPIPE_API_KEY', `ap_live_${'planted'.repeat(4)} +/=`, '32 or more'],
    ['AUTHPIPE_DEV_ALLOW_LOOPBACK', 'true', 'must be 1'],
    ['AUTHPIPE_PROBE_INTERVAL_SECONDS', '0', 'between 1 and 604800'],
    ['AUTHPIPE_PROBE_INTERVAL_SECONDS', '15m', 'whole number of seconds'],
    ['AUTHPIPE_DEPLOYMENT_ID', 'planted prod', '1 to 64 letters, digits, - and _'],
    ['AUTHPIPE_DEPLOYMENT_ID', `planted${'x'.repeat(58)}`, '1 to 64 letters, digits, - and _'],
    ['AUTHPIPE_LOG_LEVEL', 'loud', 'AUTHPIPE_LOG_LEVEL'],
  ])('refuse %s=%s with a sentence', (name, value, told) => {
    const message = refusal({ [name]: value });
    expect(message).toContain(name);
    expect(message).toContain(told);
    expect(message).not.toContain('planted');
  });

  it('tell all that is wrong at once', () => {
    const message = refusal({ PORT: 'x', AUTHPIPE_API_KEY: 'y' });
    expect(message).toContain('PORT must');
    expect(message).toContain('AUTHPIPE_API_KEY must');
  });

  it('take an API key that people can type in development, and a long one only in production', () => {
    const typed = 'ap_test_for_development';
    expect(readConfig({ AUTHPIPE_API_KEY: typed }).bootApiKey).toBe(typed);
    expect(refusal({ ...PRODUCTION, AUTHPIPE_API_KEY: typed })).toContain('at least 32 random characters');
    const random = `ap_live_${'0123456789abcdef'.repeat(2)}`;
    expect(readConfig({ ...PRODUCTION, AUTHPIPE_API_KEY: random }).bootApiKey).toBe(random);
  });

  it('refuse http but on loopback', () => {
    expect(refusal({ AUTHPIPE_URL: 'http://auth.example.com' })).toContain('AUTHPIPE_URL must be https://');
    expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({ isProduction: true });
  });

  it('refuse loopback providers in production', () => {
    expect(readConfig({ AUTHPIPE_DEV_ALLOW_LOOPBACK: '1' }).allowLoopback).toBe(true);
    for (const environment of [PRODUCTION, { AUTHPIPE_URL: 'https://localhost', NODE_ENV: 'production' }]) {
      expect(refusal({ ...environment, AUTHPIPE_DEV_ALLOW_LOOPBACK: '1' })).toContain(
        'AUTHPIPE_DEV_ALLOW_LOOPBACK is for development',
      );
    }
  });

  it('refuse a direct database URL alone', () => {
    expect(refusal({ DATABASE_DIRECT_URL: 'postgres://db/authpipe' })).toContain('without DATABASE_URL');
  });

  it('show no secret when they are printed, spread or serialised', () => {
    const config = readConfig({
      ...PRODUCTION,
      DATABASE_URL: 'postgres://u:planted@db/authpipe',
      DATABASE_DIRECT_URL: 'postgres://u:planted@direct/authpipe',
      AUTHPIPE_API_KEY: API_KEY,
    });
    for (const shown of [inspect(config, { depth: 9 }), JSON.stringify(config), inspect({ ...config })]) {
      expect(shown).not.toContain('planted');
      expect(shown).not.toContain(API_KEY);
      expect(shown).not.toContain(KEY);
      expect(shown).not.toContain('07 07 07');
    }
  });
});
