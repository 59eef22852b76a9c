import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the parent asks of a replica; the replica's clock stands at `at`. */
export interface ChildRequest {
  readonly id: number;
  readonly work: 'sweep' | 'read';
  readonly at: string;
  readonly userIds: readonly string[];
}

/** What the replica answers: how many it swept or read. */
export type ChildReply = { readonly id: number } & ({ readonly count: number } | { readonly error: string });

/** A replica of the server in a process of its own. */
export interface RefreshingProcess {
  sweep(at: Date): Promise<number>;
  read(at: Date, userIds: readonly string[]): Promise<number>;
  /** Ends it as a crash does. */
  crash(): Promise<void>;
  end(): Promise<void>;
}

const CHILD = fileURLToPath(new URL('./refreshing-child.ts', import.meta.url));

/** Starts a replica on a database, and resolves when it is ready. */
export const startProcess = async (databaseUrl: string): Promise<RefreshingProcess> => {
  const child: ChildProcess = fork(CHILD, [databaseUrl], {
    execArgv: ['--import', 'tsx', '--conditions=authpipe:source'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const exited = once(child, 'exit');
  const waiting = new Map<number, (reply: ChildReply) => void>();
  child.on('message', (reply: ChildReply) => waiting.get(reply.id)?.(reply));
  await new Promise<void>((resolve, reject) => {
    waiting.set(0, () => resolve());
    void exited.then(() => reject(new Error('The replica ended before it was ready.')));
  });
  let requests = 0;
  const ask = (work: ChildRequest['work'], at: Date, userIds: readonly string[]): Promise<number> =>
    new Promise((resolve, reject) => {
      requests += 1;
      waiting.set(requests, (reply) => {
        if ('count' in reply) resolve(reply.count);
        else reject(new Error(reply.error));
      });
      const request: ChildRequest = { id: requests, work, at: at.toISOString(), userIds };
      child.send(request);
    });
  return {
    sweep: (at) => ask('sweep', at, []),
    read: (at, userIds) => ask('read', at, userIds),
    async crash() {
      child.kill('SIGKILL');
      await exited;
    },
    async end() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};
