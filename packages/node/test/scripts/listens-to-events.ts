// Run as a process of its own by process-end.test.ts: its event stream is open when it has nothing more to do.
import { Authpipe } from '../../src/index.js';

const authpipe = new Authpipe();
await authpipe.getCredential({ connectionId: 'conn_1' });
while (authpipe.freshness !== 'stream') await new Promise((resolve) => setTimeout(resolve, 10));
console.log(`freshness: ${authpipe.freshness}`);
