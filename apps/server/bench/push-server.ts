// A server of the push benchmark, as a process of its own: the HTTP stack and the event feed, without jobs. Tells its port
// over IPC.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEventFeed } from '../src/events/start-event-feed.js';
import { composeServer } from './composed-server.js';

const { app, feed, notifications } = await composeServer(process.env);
await startEventFeed(feed, notifications);
const server = createServer(app);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
