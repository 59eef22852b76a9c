/** @jest-environment node */
import { expect, it } from '@jest/globals';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { renderToString } from 'react-dom/server.node';
import { ConnectionList } from '../src/connection-list/index.js';
import { AuthpipeProvider, ConnectButton } from '../src/index.js';

it('renders on a server, where there is no window', () => {
  expect(typeof window).toBe('undefined');
  const html = renderToString(
    <AuthpipeProvider session={async () => 'never asked'}>
      <ConnectButton provider="okta" />
      <ConnectButton provider="okta" connection={{ id: 'conn_1', status: 'needs_reconnect' }} />
    </AuthpipeProvider>,
  );
  expect(html).toContain('Connect Okta');
  expect(html).toContain('Reconnect Okta');
});

it('renders a list’s place on a server, and asks for nothing there', () => {
  const session = async (): Promise<string> => {
    throw new Error('was asked on the server');
  };
  const html = renderToString(
    <QueryClientProvider client={new QueryClient()}>
      <AuthpipeProvider session={session}>
        <ConnectionList />
      </AuthpipeProvider>
    </QueryClientProvider>,
  );
  expect(html).toContain('data-authpipe-list="loading"');
  expect(html).toContain('Loading connections…');
});
