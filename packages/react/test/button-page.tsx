import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AuthpipeProvider, ConnectButton } from '../src/index.js';

// One button, for a real browser, as the address asks for it. The server that it came from is its Authpipe, too.
const asked = new URLSearchParams(location.search);
const status = asked.get('status') as 'healthy' | 'needs_reconnect' | null;
const size = asked.get('size') as 'small' | 'large' | null;
const container = document.querySelector('main');
if (!container) throw new Error('The page has no main.');
createRoot(container).render(
  <StrictMode>
    <AuthpipeProvider session={async () => `aps_${btoa(location.origin).replaceAll('=', '')}.secret`}>
      <h1>Settings</h1>
      <ConnectButton
        provider={asked.get('provider') ?? 'okta'}
        connection={status && { id: 'conn_1', status }}
        disabled={asked.has('disabled')}
        size={size ?? 'medium'}
        onError={() => {}}
      />
      <p>What is below.</p>
    </AuthpipeProvider>
  </StrictMode>,
);
