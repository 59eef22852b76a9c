import { Authpipe } from '@authpipe/node';
import { createApp } from './app.js';

const port = Number(process.env.PORT || 3000);

// One client per process: its cache is what makes reads instant.
const authpipe = new Authpipe();

const app = createApp(authpipe, {
  // In your app: from the session of your own login.
  signedIn: () => ({ tenantId: 'org_acme', userId: 'user_123' }),
  pagesOrigin: `http://localhost:${port}`,
  webhookSecret: process.env.AUTHPIPE_WEBHOOK_SECRET,
  askToReconnect: (tenantId, userId) => console.warn('ask to reconnect', tenantId, userId),
});

app.listen(port, () => console.warn(`http://localhost:${port}/people`));
