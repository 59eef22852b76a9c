import { AuthpipeProvider } from '@authpipe/react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { IntegrationsPage } from './integrations-page.js';
import { fetchConnectToken } from './requests.js';
import { SettingsPage } from './settings-page.js';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');

const queryClient = new QueryClient();
const isSettings = location.pathname === '/settings';
if (isSettings) document.title = 'Settings · Crewdesk';

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <AuthpipeProvider session={fetchConnectToken} display="auto">
        {isSettings ? <SettingsPage /> : <IntegrationsPage />}
      </AuthpipeProvider>
    </QueryClientProvider>
  </StrictMode>,
);
