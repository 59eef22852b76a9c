import type { Server } from 'node:http';

/** Connections that are still busy this long after the stop are cut. */
const DRAIN_MILLIS = 10_000;
/** Connections that clients hold open for their next request are looked for this often. */
const LOOK_MILLIS = 100;

/** Takes no more connections, answers what is under way, and ends each connection after its answer; within 10 s. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const looks = setInterval(() => server.closeIdleConnections(), LOOK_MILLIS);
    const end = setTimeout(() => server.closeAllConnections(), DRAIN_MILLIS);
    server.close(() => {
      clearInterval(looks);
      clearTimeout(end);
      resolve();
    });
  });
