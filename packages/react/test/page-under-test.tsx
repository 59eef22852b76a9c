import { jest } from '@jest/globals';
import { cleanup, render } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { AuthpipeProvider, type AuthpipeProviderProps } from '../src/index.js';
import { FakeBrowser, TOKEN } from './fake-browser.js';

/** Puts a fake browser's network and windows behind the real globals, which is what the components use. */
export function installFakeBrowser(): FakeBrowser {
  const browser = new FakeBrowser();
  jest.spyOn(window, 'open').mockImplementation(() => browser.open() as Window | null);
  jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation((url, init) => browser.fetch(String(url), init as RequestInit));
  return browser;
}

/** Shows children as an app in StrictMode would. */
export function show(children: ReactNode, props: Partial<AuthpipeProviderProps> = {}) {
  const inApp = (content: ReactNode) => (
    <StrictMode>
      <AuthpipeProvider session={TOKEN} {...props}>
        {content}
      </AuthpipeProvider>
    </StrictMode>
  );
  const { rerender, ...shown } = render(inApp(children));
  return { ...shown, rerender: (content: ReactNode) => rerender(inApp(content)) };
}

export const tidyUp = (): void => {
  cleanup();
  jest.restoreAllMocks();
  sessionStorage.clear();
};
