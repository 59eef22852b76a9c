/** @jest-environment jest-fixed-jsdom */
import { providers } from '@authpipe/providers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { enableProviderFilter } from '../src/browser/provider-filter.js';
import { renderedPage } from './rendered-site.js';

describe('the catalogue’s search', () => {
  const shown = (): (string | undefined)[] =>
    [...document.querySelectorAll<HTMLElement>('[data-provider]:not([hidden])')].map(
      (card) => card.dataset.provider,
    );
  const count = (): string | null | undefined => document.querySelector('[data-filter-count]')?.textContent;
  const type = (text: string): void => {
    const field = document.querySelector('input')!;
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };

  beforeEach(() => {
    history.replaceState(null, '', '/providers');
    document.body.innerHTML = renderedPage('/providers').body.innerHTML;
  });

  test('appears once there is a script to serve it', () => {
    enableProviderFilter(document);
    expect(document.querySelector('form')?.hidden).toBe(false);
    expect(shown()).toHaveLength(providers.length);
  });

  test('keeps the cards that hold every word, in any case', () => {
    enableProviderFilter(document);
    type('JUMP');
    expect(shown()).toEqual(['jumpcloud']);
    expect(count()).toBe('1 provider matches.');
    type('security okta');
    expect(shown()).toContain('okta');
    type('api key');
    expect(shown()).toContain('jumpcloud');
  });

  test('says so when nothing is left, and puts the empty category away', () => {
    enableProviderFilter(document);
    type('no such provider');
    expect(shown()).toEqual([]);
    expect(count()).toBe('No provider matches. Try a shorter word.');
    expect(document.querySelectorAll('[data-category]:not([hidden])')).toHaveLength(0);
    type('');
    expect(shown()).toHaveLength(providers.length);
    expect(count()).toBe('');
  });

  test('keeps the search in the address, and takes it from there', () => {
    enableProviderFilter(document);
    type('snyk');
    expect(location.search).toBe('?q=snyk');
    document.body.innerHTML = renderedPage('/providers').body.innerHTML;
    enableProviderFilter(document);
    expect(shown()).toEqual(['snyk']);
    type('');
    expect(location.search).toBe('');
  });

  test('does nothing on pages without a catalogue', () => {
    document.body.innerHTML = renderedPage('/providers/okta').body.innerHTML;
    expect(() => enableProviderFilter(document)).not.toThrow();
    expect(shown().length).toBeGreaterThan(0);
  });
});
