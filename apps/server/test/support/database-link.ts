import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a real Postgres that a test can break, for one process alone. */
export interface DatabaseLink {
  /** The database's URL by this way. */
  readonly url: string;
  /** Ends all connections, and lets none in. */
  cut(): void;
  close(): Promise<void>;
}

/** Stands between a process and the database at `databaseUrl`. */
export const linkDatabase = async (databaseUrl: string): Promise<DatabaseLink> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isCut = false;

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((incoming) => {
    if (isCut) {
      incoming.on('error', () => undefined).destroy();
      return;
    }
    const outgoing = connect(Number(target.port), target.hostname);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
    keep(incoming);
    keep(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    url: url.href,
    cut() {
      isCut = true;
      end();
    },
    async close() {
      end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
