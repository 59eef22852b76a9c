import { jest } from '@jest/globals';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { configure } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { AuthpipeProvider, type SessionSource } from '../src/index.js';
import { FakeBrowser } from './fake-browser.js';

// A bound on what hangs, not on speed.
configure({ asyncUtilTimeout: 60_000 });

/** A cache that does not wait between tries. */
export const impatientQueryClient = (): QueryClient =>
  new QueryClient({ defaultOptions: { queries: { retryDelay: 0 } } });

/** An app in StrictMode with both providers. Another `key` is another person. */
export const inApp = (
  children: ReactNode,
  { queryClient, session, key }: { queryClient: QueryClient; session: SessionSource; key?: string },
) => (
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <AuthpipeProvider session={session} key={key}>
        {children}
      </AuthpipeProvider>
    </QueryClientProvider>
  </StrictMode>
);

/** Windows and looks at sessions are fake; all else goes to the real network. */
export function installFakeWindows(): FakeBrowser {
  const browser = new FakeBrowser();
  const realFetch = globalThis.fetch;
  jest.spyOn(window, 'open').mockImplementation(() => browser.open() as Window | null);
  jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation((url, init) =>
      String(url).endsWith('/connect/session')
        ? browser.fetch(String(url), init as RequestInit)
        : realFetch(url, init),
    );
  return browser;
}
