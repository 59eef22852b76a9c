// Run as a process of its own by process-end.test.ts: what a user's script does, and no call to close().
import { Authpipe } from '../../src/index.js';

const authpipe = new Authpipe();
const { credential } = await authpipe.getCredential({
  provider: 'okta',
  tenantId: 'org_acme',
  userId: 'user_123',
});
console.log(authpipe);
console.log(JSON.stringify(authpipe), `read ${credential.length} characters`);
