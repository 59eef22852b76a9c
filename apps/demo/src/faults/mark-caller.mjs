// Loaded into a server's process in front of its own code: every request it sends says which process it comes from, so
// that the org can write down who got an answer. The server itself stays as it is.
import { subscribe } from 'node:diagnostics_channel';

const caller = process.env.AUTHPIPE_FAULTS_CALLER ?? '';

subscribe('undici:request:create', ({ request }) => request.addHeader('X-Sandbox-Caller', caller));
