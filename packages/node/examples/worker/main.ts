import { Authpipe } from '@authpipe/node';
import { syncTenants } from './sync-tenants.js';

const tenantIds = process.argv.slice(2);
const authpipe = new Authpipe();

const report = await syncTenants(authpipe, tenantIds, async ({ tenantId, label }, people) => {
  // In your worker: into your database.
  console.warn(tenantId, label, people.length);
});
console.warn(report);
// No close() is needed: the client keeps no process alive.
