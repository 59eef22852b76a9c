import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { API_KEY } from './http-server.js';

/** What a bundler makes of the client for a page. */
const bundle = async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, '../src/index.ts')],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundled',
    conditions: ['authpipe:source'],
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
};

describe('the client in a browser’s bundle', () => {
  it('is built, and then refuses to be made, with a sentence that says where it belongs', async () => {
    const page = createContext({ document: {}, URL, TextDecoder, console });
    runInContext(await bundle(), page);
    const make = () =>
      runInContext(
        `new bundled.Authpipe({ apiKey: '${API_KEY}', baseUrl: 'https://auth.example.com' })`,
        page,
      );
    expect(make).toThrow(expect.objectContaining({ name: 'AuthpipeError', code: 'invalid_request' }));
    expect(make).toThrow(/browser.*backend.*@authpipe\/react/);
  });
});
