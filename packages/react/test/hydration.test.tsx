import { afterEach, expect, it, jest } from '@jest/globals';
import { act } from '@testing-library/react';
import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server.node';
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
      </AuthpipeProvider>
    </StrictMode>
  );
  const container = document.createElement('div');
  container.innerHTML = renderToString(app);
  const served = container.innerHTML;
  const recovered = jest.fn();
  await act(async () => hydrateRoot(container, app, { onRecoverableError: recovered }));
  expect(recovered).not.toHaveBeenCalled();
  expect(complaints).not.toHaveBeenCalled();
  expect(container.textContent).toBe('Okta connected');
  expect(served).toContain('Okta connected');
});
