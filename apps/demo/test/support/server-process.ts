import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The server's environment for a test, beyond what every test gives it. */
export interface ServerSettings {
  readonly port: number;
  /** `AUTHPIPE_URL`, as browsers and the org know it. */
  readonly publicUrl: string;
  readonly dataDir: string;
  readonly apiKey: string;
  /** In base64. */
  readonly rootKey: string;
  /** Left out: the embedded database. */
  readonly databaseUrl?: string | undefined;
  readonly probeIntervalSeconds: number;
}

/** An Authpipe server in a process of its own. */
export interface ServerProcess {
  /** Where Node finds it. */
  readonly url: string;
  /** All that it printed so far, logs at debug level. */
  printed(): string;
  /** Moves the process's time forward; nobody else's. */
  moveClock(seconds: number): Promise<void>;
  /** Ends it as a parent that goes away does, and waits for it. Safe to call twice. */
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));
const MOVABLE_CLOCK = new URL('./movable-clock.mjs', import.meta.url).href;

/** A bound on what hangs: a first start makes an embedded database, six seconds of a processor that others use too. */
const START_MILLIS = 180_000;
/** Longer than the server gives itself. */
const STOP_MILLIS = 20_000;
const LOOK_MILLIS = 50;

const environmentOf = (settings: ServerSettings): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  NODE_ENV: 'development',
  PORT: String(settings.port),
  AUTHPIPE_URL: settings.publicUrl,
  AUTHPIPE_DATA_DIR: settings.dataDir,
  AUTHPIPE_API_KEY: settings.apiKey,
  AUTHPIPE_ENCRYPTION_KEY: settings.rootKey,
  AUTHPIPE_DEV_ALLOW_LOOPBACK: '1',
  AUTHPIPE_PROBE_INTERVAL_SECONDS: String(settings.probeIntervalSeconds),
  AUTHPIPE_LOG_LEVEL: 'debug',
  ...(settings.databaseUrl === undefined ? {} : { DATABASE_URL: settings.databaseUrl }),
});

/** Node's arguments that run a file of the server's sources. */
export const SOURCE_ARGUMENTS = ['--conditions=authpipe:source', '--import', 'tsx'];

/** Runs a command of `authpipe` to its end. @returns what it printed. @throws when it fails */
export async function runAuthpipe(settings: ServerSettings, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [...SOURCE_ARGUMENTS, MAIN, ...args], {
    cwd: ROOT,
    env: environmentOf(settings),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const printed = collect(child);
  await untilEnded(child);
  if (child.exitCode !== 0)
    throw new Error(`authpipe ${args.join(' ')} ended with ${child.exitCode}: ${printed()}`);
  return printed();
}

/** Starts the server from its sources and waits until it is ready. */
export async function startServerProcess(settings: ServerSettings): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...SOURCE_ARGUMENTS, '--import', MOVABLE_CLOCK, MAIN, 'serve'], {
    cwd: ROOT,
    env: environmentOf(settings),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const printed = collect(child);
  const url = `http://localhost:${settings.port}`;
  const ended = untilEnded(child);
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
    await ended;
    clearTimeout(killer);
  };
  try {
    await untilReady(child, new URL('/readyz', url), printed);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    printed,
    stop,
    moveClock: (seconds) =>
      new Promise((resolve) => {
        child.once('message', () => resolve());
        child.send({ moveSeconds: seconds });
      }),
  };
}

/** Not its `close`: that does not come after a `disconnect` from this side. */
const untilEnded = (child: ChildProcess): Promise<unknown> =>
  Promise.all([
    once(child, 'exit'),
    ...[child.stdout, child.stderr].map((stream) => stream && once(stream, 'close')),
  ]);

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

async function untilReady(child: ChildProcess, url: URL, printed: () => string): Promise<void> {
  const deadlineMillis = performance.now() + START_MILLIS;
  while (performance.now() < deadlineMillis) {
    if (child.exitCode !== null) throw new Error(`The server ended at once: ${printed()}`);
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
  }
  throw new Error(`The server was not ready within ${START_MILLIS / 1000} s: ${printed()}`);
}
