import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { ConnectionList } from '../src/connection-list/index.js';
import { AuthpipeProvider, ConnectButton } from '../src/index.js';

// A settings page, for a real browser. The server that it came from is its Authpipe, too.
const container = document.querySelector('main');
if (!container) throw new Error('The page has no main.');
createRoot(container).render(
  <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
    <AuthpipeProvider session={`aps_${btoa(location.origin).replaceAll('=', '')}.secret`}>
      <h1>Settings</h1>
      <ConnectionList>
        <ConnectButton provider="okta" />
      </ConnectionList>
      <p>What is below.</p>
    </AuthpipeProvider>
  </QueryClientProvider>,
);
