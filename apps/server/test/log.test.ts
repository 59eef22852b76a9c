import { Writable } from 'node:stream';
import { expect, it } from '@jest/globals';
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
