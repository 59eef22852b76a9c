import { AuthpipeProvider } from '@authpipe/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { IntegrationsPage } from './integrations-page.js';
import { fetchConnectToken } from './requests.js';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');

createRoot(root).render(
  <StrictMode>
    <AuthpipeProvider session={fetchConnectToken} display="auto">
      <IntegrationsPage />
    </AuthpipeProvider>
  </StrictMode>,
);
