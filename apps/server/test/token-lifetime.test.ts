import { describe, expect, it } from '@jest/globals';
import { LONGEST_LIFETIME_SECONDS, readTokenLifetime } from '../src/oauth/token-lifetime.js';

const read = readTokenLifetime;

describe('the lifetime that a token answer tells', () => {
  it.each([
    [3600, 3600],
    ['3600', 3600],
    [' 3600 ', 3600],
    ['3.6e3', 3600],
    [3599.98, 3599],
    ['599.5', 599],
  ])('%p is read as %p seconds, and nothing is odd about it', (value, expiresInSeconds) => {
    expect(read(value)).toEqual({ expiresInSeconds, oddity: null });
  });

  it.each([
    [null, 'is null'],
    [0, 'is zero'],
    ['0', 'is zero'],
    [0.4, 'is zero'],
    [-1, 'is negative'],
    [-0.5, 'is negative'],
    ['-3600', 'is negative'],
    [Number.NaN, 'is no number'],
    ['', 'is no number'],
    ['soon', 'is no number'],
    ['3600s', 'is no number'],
    ['0x10', 'is no number'],
    ['Infinity', 'is no number'],
    [true, 'is no number'],
    [{}, 'is no number'],
    [[3600], 'is no number'],
  ])('%p counts as missing, and that is odd', (value, oddity) => {
    expect(read(value)).toEqual({ expiresInSeconds: null, oddity });
  });

  it('may be left out: that is not odd', () => {
    expect(read(undefined)).toEqual({ expiresInSeconds: null, oddity: null });
  });

  it.each([LONGEST_LIFETIME_SECONDS + 1, 3_600_000_000, '1e30', Number.POSITIVE_INFINITY])(
    '%p is cut at ten years, and that is odd',
    (value) => {
      expect(read(value)).toEqual({
        expiresInSeconds: LONGEST_LIFETIME_SECONDS,
        oddity: 'is more than ten years',
      });
    },
  );

  it('is in milliseconds where the definition says so', () => {
    expect(read(3_600_000, 'milliseconds')).toEqual({ expiresInSeconds: 3600, oddity: null });
    expect(read('1500', 'milliseconds')).toEqual({ expiresInSeconds: 1, oddity: null });
    expect(read(999, 'milliseconds')).toEqual({ expiresInSeconds: null, oddity: 'is zero' });
    expect(read(LONGEST_LIFETIME_SECONDS, 'milliseconds').oddity).toBeNull();
  });

  it('is called odd without its text, which may be anything', () => {
    expect(JSON.stringify(read('at_planted'))).not.toContain('planted');
  });
});
