import { Authpipe } from '@authpipe/node';
import { createApp } from './app.js';

// One client per process: its cache is what makes reads instant.
const authpipe = new Authpipe();

const app = createApp(authpipe, {
  // In your app: from the session of your own login.
  signedIn: () => ({ tenantId: 'org_acme', userId: 'user_123' }),
  pagesOrigin: 'http://localhost:3000',
  webhookSecret: process.env.AUTHPIPE_WEBHOOK_SECRET,
  askToReconnect: (tenantId, userId) => console.warn('ask to reconnect', tenantId, userId),
});

app.listen(3000, () => console.warn('http://localhost:3000/people'));
