import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { errorSummary } from '../src/errors/error-summary.js';
import { createLogger } from '../src/log/logger.js';

it('tells the code of an error, and no authorization code', () => {
  let logged = '';
  const destination = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', body: 'planted' });
  createLogger('info', destination).warn({ err: new Error('lost', { cause }), code: 'planted' }, 'trouble');
  expect(logged).toContain('ECONNREFUSED');
  expect(logged).not.toContain('planted');
});

describe('the summary of an error', () => {
  it('tells its name, its code and where it was made, and nothing of its message', () => {
    const error = Object.assign(new TypeError('planted\n    at planted (planted.ts:1:2)'), {
      code: 'ECONNREFUSED',
    });
    expect(errorSummary(error)).toMatch(/^TypeError ECONNREFUSED at log\.test\.(ts|js):\d+:\d+$/);
  });

  it('leaves out what may have been made of what somebody sent', () => {
    const error = Object.assign(new Error('first'), { name: 'planted name', code: 'planted code' });
    expect(errorSummary(error)).toMatch(/^Error at log\.test\.(ts|js):\d+:\d+$/);
    error.message = 'planted\n    at planted (planted.ts:1:2)';
    expect(errorSummary(error)).toBe('Error');
    expect(errorSummary('planted')).toBe('unknown');
  });
});
