import { describe, expect, test } from '@jest/globals';
import { tokenize } from '../src/code/tokenize.js';
import { QUICKSTART_STEPS } from '../src/quickstart-page/quickstart-steps.js';
import { OKTA_NODE_SNIPPET, OKTA_REACT_SNIPPET } from './okta-page-words.js';

const HTTP_ANSWER = 'HTTP/1.1 409 Conflict\nContent-Type: application/problem+json\n\n{ "retryable": false }';

const kindOf = (code: string, text: string): string | undefined =>
  tokenize(code, 'tsx').find((token) => token.text.includes(text))?.kind;

describe('tokenize', () => {
  test.each([
    ['tsx', OKTA_NODE_SNIPPET],
    ['tsx', OKTA_REACT_SNIPPET],
    ...QUICKSTART_STEPS.map((step) => [step.language, step.code] as const),
    ['shell', ''],
    ['http', HTTP_ANSWER],
    ['tsx', 'const broken = `never closed'],
  ] as const)('loses no character of %s code', (language, code) => {
    expect(
      tokenize(code, language)
        .map(({ text }) => text)
        .join(''),
    ).toBe(code);
  });

  test('tells comments, strings, keywords and calls apart', () => {
    expect(kindOf(OKTA_NODE_SNIPPET, '// Get a valid')).toBe('comment');
    expect(kindOf(OKTA_NODE_SNIPPET, "'okta'")).toBe('string');
    expect(kindOf(OKTA_NODE_SNIPPET, 'const')).toBe('keyword');
    expect(kindOf(OKTA_NODE_SNIPPET, 'getCredential')).toBe('call');
  });

  test('keeps an address within quotes a string, slashes and all', () => {
    expect(kindOf(OKTA_NODE_SNIPPET, 'https://api.example.com/data')).toBe('string');
  });

  test('leaves what is substituted in a template plain', () => {
    expect(kindOf(OKTA_NODE_SNIPPET, `\${credential}`)).toBe('plain');
    expect(kindOf(OKTA_NODE_SNIPPET, '`Bearer ')).toBe('string');
  });

  test('tells the head of an answer from the names and values of its body', () => {
    const kinds = new Map(tokenize(HTTP_ANSWER, 'http').map(({ text, kind }) => [text, kind]));
    expect(kinds.get('Content-Type')).toBe('attribute');
    expect(kinds.get('"retryable"')).toBe('property');
    expect(kinds.get('false')).toBe('keyword');
  });

  test('takes an arrow for no tag', () => {
    expect(kindOf(OKTA_REACT_SNIPPET, '<ConnectButton')).toBe('tag');
    expect(kindOf(OKTA_REACT_SNIPPET, '=>')).toBe('plain');
  });
});
