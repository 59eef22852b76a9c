import { describe, expect, it } from '@jest/globals';
import { parseChallenges } from '../../src/fetch/challenges.js';

const read = (header: string | null) =>
  parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

describe('the challenges of WWW-Authenticate', () => {
  it.each<[string, string | null, unknown]>([
    ['none', null, []],
    ['nothing', '', []],
    ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
    ['names in any case', 'BEARER Error="x"', [['bearer', { error: 'x' }]]],
    [
      'values without quotes',
      'Bearer error=insufficient_scope',
      [['bearer', { error: 'insufficient_scope' }]],
    ],
    ['space around "="', 'Bearer realm = "a" , error = "b"', [['bearer', { realm: 'a', error: 'b' }]]],
    [
      'several, joined',
      'Basic realm="a", DPoP algs="ES256", error="use_dpop_nonce", Bearer',
      [
        ['basic', { realm: 'a' }],
        ['dpop', { algs: 'ES256', error: 'use_dpop_nonce' }],
        ['bearer', {}],
      ],
    ],
    [
      'one in token68 form before another',
      'Negotiate YWJj==, Bearer error="x"',
      [
        ['negotiate', {}],
        ['bearer', { error: 'x' }],
      ],
    ],
    [
      'commas, quotes and another scheme inside quotes',
      'Bearer realm="a, Basic error=\\"no\\"", error="yes"',
      [['bearer', { realm: 'a, Basic error="no"', error: 'yes' }]],
    ],
    ['empty elements', ',, Bearer error="x",,', [['bearer', { error: 'x' }]]],
    ['a quote that never ends', 'Bearer realm="a', [['bearer', {}]]],
    ['no challenge at all', '"?', []],
  ])('reads %s', (_name, header, expected) => expect(read(header)).toEqual(expected));
});
