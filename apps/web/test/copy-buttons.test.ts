/** @jest-environment jest-fixed-jsdom */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { enableCopyButtons } from '../src/browser/copy-buttons.js';
import { OKTA_NODE_SNIPPET, OKTA_REACT_SNIPPET } from './okta-page-words.js';
import { renderedPage } from './rendered-site.js';

describe('the copy buttons', () => {
  const button = (index: number): HTMLButtonElement =>
    document.querySelectorAll<HTMLButtonElement>('[data-copy]')[index]!;
  const announced = (): string | null | undefined => document.querySelector('[data-announcer]')?.textContent;
  const click = async (index: number): Promise<void> => {
    button(index).click();
    await jest.advanceTimersByTimeAsync(0);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    document.body.innerHTML = renderedPage('/providers/okta').body.innerHTML;
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('appear once there is a script to serve them', () => {
    expect(button(0).hidden).toBe(true);
    enableCopyButtons(document, async () => {});
    expect(button(0).hidden).toBe(false);
    expect(button(1).hidden).toBe(false);
  });

  test('copy the code beside them, and nothing else', async () => {
    const copied: string[] = [];
    enableCopyButtons(document, async (text) => void copied.push(text));
    await click(0);
    await click(1);
    expect(copied).toEqual([OKTA_NODE_SNIPPET, OKTA_REACT_SNIPPET]);
  });

  test('say that they copied, also to people who listen, and go back to rest', async () => {
    enableCopyButtons(document, async () => {});
    await click(0);
    expect(button(0).textContent).toBe('Copied');
    expect(announced()).toBe('Copied');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(button(0).textContent).toBe('Copy');
    expect(announced()).toBe('');
  });

  test('stay “Copied” for the full time after a second press', async () => {
    enableCopyButtons(document, async () => {});
    await click(0);
    await jest.advanceTimersByTimeAsync(1500);
    await click(0);
    await jest.advanceTimersByTimeAsync(1500);
    expect(button(0).textContent).toBe('Copied');
  });

  test('select the code where the browser refuses to write', async () => {
    enableCopyButtons(document, () => Promise.reject(new Error('not allowed')));
    await click(0);
    expect(getSelection()?.toString()).toBe(OKTA_NODE_SNIPPET);
    expect(announced()).toMatch(/^Selected/);
  });
});
