import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Fault, IssuedOrgGrant, OrgCounters, OrgOptions, TokenRequestRecord } from '../org/index.js';
import { SOURCE_ARGUMENTS } from './source-arguments.js';

/** What can be said to the org's process: plain data only. */
export type OrgProcessOptions = Pick<
  OrgOptions,
  'clients' | 'people' | 'accessTokenLifetimeSeconds' | 'rotation' | 'graceSeconds'
>;

/** The sandbox org in its own process, by its control. */
export interface OrgRemote {
  readonly url: string;
  issueGrant(user: string): Promise<IssuedOrgGrant>;
  failNext(fault: Fault): Promise<void>;
  /** No faults any more; calls that hang go on. */
  clearFaults(): Promise<void>;
  /** Life of the access tokens issued from now on. */
  setAccessTokenLifetime(seconds: number): Promise<void>;
  counters(): Promise<OrgCounters>;
  /** Resolves when every record of a call that is over by now has been told. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

type Message = { url: string } | { records: TokenRequestRecord[] } | { flushed: true };

const MAIN = fileURLToPath(new URL('./org-process.ts', import.meta.url));

/** Starts the org and tells `onTokenRequest` of every call of its token endpoint, within about 100 ms. */
export async function startOrgRemote(
  options: OrgProcessOptions,
  onTokenRequest: (record: TokenRequestRecord) => void,
): Promise<OrgRemote> {
  const child = spawn(process.execPath, [...SOURCE_ARGUMENTS, MAIN, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const flushed = new Set<() => void>();
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The sandbox org ended at once (${code}).`)));
    child.on('message', (message: Message) => {
      if ('url' in message) resolve(message.url);
      else if ('records' in message) message.records.forEach(onTokenRequest);
      else for (const done of flushed) done();
    });
  });
  const call = async <Result>(name: string, body?: object): Promise<Result> => {
    const response = await fetch(new URL(`/control/api/${name}`, url), {
      ...(body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(body),
          }),
    });
    if (!response.ok) throw new Error(`The org refused ${name}: ${await response.text()}`);
    return (await response.json()) as Result;
  };
  return {
    url,
    issueGrant: (user) => call('grants/issue', { user }),
    failNext: (fault) => call('faults/add', fault),
    clearFaults: () => call('faults/clear', {}),
    setAccessTokenLifetime: (accessTokenLifetimeSeconds) =>
      call('tokens/settings', { accessTokenLifetimeSeconds }),
    counters: () => call('counters'),
    async flush() {
      await new Promise<void>((resolve) => {
        const done = () => {
          flushed.delete(done);
          resolve();
        };
        flushed.add(done);
        child.send('flush');
      });
    },
    async close() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
