// The sandbox org in a process of its own: what holds up the harness must not look like an org that is slow.
import { startOrg, type TokenRequestRecord } from '../org/index.js';
import type { OrgProcessOptions } from './org-remote.js';

const BATCH_MILLIS = 100;

async function main(options: OrgProcessOptions): Promise<void> {
  let batch: TokenRequestRecord[] = [];
  const org = await startOrg({
    ...options,
    port: 0,
    onTokenRequest: (record) => {
      batch.push(record);
    },
  });
  const send = () => {
    if (batch.length === 0 || !process.connected) return;
    process.send?.({ records: batch });
    batch = [];
  };
  setInterval(send, BATCH_MILLIS);
  process.on('message', (message) => {
    if (message !== 'flush') return;
    send();
    process.send?.({ flushed: true });
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ url: org.url });
}

const [given = ''] = process.argv.slice(2);
main(JSON.parse(given) as OrgProcessOptions).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
