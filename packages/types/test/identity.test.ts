import { describe, expect, it } from '@jest/globals';
import { appId, environmentName, metadata } from '../src/index.js';

describe('an id that the app chooses', () => {
  it.each(['1', 'org_acme', 'Ada Lovelace', 'ключ', 'a/b:c', 'x'.repeat(256)])('may be %j', (id) => {
    expect(appId.safeParse(id).success).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(257)],
    ['led by a space', ' a'],
    ['followed by a line break', 'a\n'],
    ['holding a NUL', 'a\0b'],
    ['holding a tab', 'a\tb'],
    ['a number', 7],
    ['null', null],
  ])('may not be %s', (_case, id) => {
    expect(appId.safeParse(id).success).toBe(false);
  });

  it('is kept as it is: two spellings stay two ids', () => {
    expect(appId.parse('Org_Acme')).toBe('Org_Acme');
  });
});

describe('an environment', () => {
  it.each(['live', 'test', 'staging2'])('may be called %s', (name) => {
    expect(environmentName.safeParse(name).success).toBe(true);
  });
  it.each(['', 'Live', '2nd', 'a_b', 'a-b', 'x'.repeat(33)])('may not be called %j', (name) => {
    expect(environmentName.safeParse(name).success).toBe(false);
  });
});

describe('metadata', () => {
  const pairs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, 'value']));

  it('is up to 20 pairs of strings', () => {
    expect(metadata.safeParse({}).success).toBe(true);
    expect(metadata.safeParse(pairs(20)).success).toBe(true);
    expect(metadata.safeParse(pairs(21)).success).toBe(false);
    expect(metadata.safeParse({ seats: 7 }).success).toBe(false);
  });

  it('has keys of 1 to 40 characters and values of at most 500', () => {
    expect(metadata.safeParse({ ['k'.repeat(40)]: 'v'.repeat(500) }).success).toBe(true);
    expect(metadata.safeParse({ ['k'.repeat(41)]: '' }).success).toBe(false);
    expect(metadata.safeParse({ '': 'v' }).success).toBe(false);
    expect(metadata.safeParse({ k: 'v'.repeat(501) }).success).toBe(false);
  });
});
