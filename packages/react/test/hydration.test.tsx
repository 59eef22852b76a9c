import { afterEach, expect, it, jest } from '@jest/globals';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from '@testing-library/react';
import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server.node';
import { ConnectionList } from '../src/connection-list/index.js';
import { AuthpipeProvider, ConnectButton } from '../src/index.js';
import { TOKEN } from './fake-browser.js';
import { tidyUp } from './page-under-test.js';

afterEach(tidyUp);

it('hydrates what the server rendered without a difference', async () => {
  const complaints = jest.spyOn(console, 'error').mockImplementation(() => {});
  const app = (
    <StrictMode>
      <AuthpipeProvider session={TOKEN}>
        <ConnectButton provider="okta" connection={{ id: 'conn_1', status: 'degraded' }} />
        <QueryClientProvider client={new QueryClient()}>
          <ConnectionList />
        </QueryClientProvider>
      </AuthpipeProvider>
    </StrictMode>
  );
  // The list stays as it was rendered: nothing answers.
  jest.spyOn(globalThis, 'fetch').mockImplementation(() => new Promise(() => {}));
  const container = document.createElement('div');
  container.innerHTML = renderToString(app);
  const served = container.innerHTML;
  const recovered = jest.fn();
  const root = await act(async () => hydrateRoot(container, app, { onRecoverableError: recovered }));
  expect(recovered).not.toHaveBeenCalled();
  expect(complaints).not.toHaveBeenCalled();
  expect(container.innerHTML).toBe(served);
  expect(served).toContain('Okta connected');
  await act(async () => root.unmount());
});
