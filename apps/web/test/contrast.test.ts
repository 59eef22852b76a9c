import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** Text on its ground, wherever the style sheets put one on the other. */
const TEXT_PAIRS = [
  ['ink', 'paper'],
  ['ink', 'wash'],
  ['ink', 'raised'],
  ['ink', 'accent-wash'],
  ['ink', 'caution-wash'],
  ['muted', 'paper'],
  ['muted', 'wash'],
  ['muted', 'raised'],
  ['muted', 'code-ground'],
  ['accent', 'paper'],
  ['accent', 'accent-wash'],
  ['accent', 'code-ground'],
  ['accent-strong', 'paper'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['caution', 'caution-wash'],
  ['ink', 'code-ground'],
  ['code-comment', 'code-ground'],
  ['code-string', 'code-ground'],
  ['code-keyword', 'code-ground'],
  ['code-name', 'code-ground'],
  ['code-attribute', 'code-ground'],
] as const;

/** WCAG 2.2, 1.4.3, level AA, for text of any size. */
const LEAST_RATIO = 4.5;

const [lightCss = '', darkCss = ''] = readFileSync(
  new URL('../src/styles/tokens.css', import.meta.url),
  'utf8',
).split('@media (prefers-color-scheme: dark)');
const light = coloursOf(lightCss);
const schemes = { light, dark: new Map([...light, ...coloursOf(darkCss)]) };

describe.each(Object.entries(schemes))('in %s colours', (_scheme, colours) => {
  test.each(TEXT_PAIRS)('%s is readable on %s', (text, ground) => {
    expect(contrast(colours.get(text)!, colours.get(ground)!)).toBeGreaterThanOrEqual(LEAST_RATIO);
  });
});

test('black on white has the greatest contrast that there is', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
});

function coloursOf(css: string): Map<string, string> {
  return new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name!, value!]));
}

/** @see WCAG 2.2, definition of contrast ratio */
function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
}

/** @see WCAG 2.2, definition of relative luminance */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(hex.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
