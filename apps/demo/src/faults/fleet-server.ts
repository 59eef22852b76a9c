import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Freeze, ServerLife } from './ledger.js';
import { SOURCE_ARGUMENTS } from './source-arguments.js';

/** How a server of the fleet is run. */
export interface FleetServerOptions {
  /** `a`, `b`, … */
  readonly name: string;
  readonly port: number;
  /** Where its data folder and its log are. */
  readonly folder: string;
  /** From its sources, or built. */
  readonly fromSources: boolean;
  /** Beside what every server gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Told of each new process, for the ledger. */
  readonly onLife: (life: ServerLife) => void;
  readonly onFreeze: (freeze: Freeze) => void;
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SOURCE_MAIN = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));
const BUILT_MAIN = fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url));
const MARK_CALLER = new URL('./mark-caller.mjs', import.meta.url).href;

const LOOK_MILLIS = 50;
const LOOK_TIMEOUT_MILLIS = 1_000;
/** Before a server that ended by itself is started again. */
const REVIVE_MILLIS = 500;
/** Longer than the server gives itself. */
const STOP_MILLIS = 20_000;

/** A server that comes back on the same port with the same data folder, whatever is done to its processes. */
export class FleetServer {
  readonly name: string;
  readonly url: string;
  readonly dataDir: string;
  #child: ChildProcess | null = null;
  #life: ServerLife | null = null;
  #freeze: Freeze | null = null;
  #lives = 0;
  #isWanted = false;
  /** How often it ended by itself. */
  deaths = 0;

  constructor(private readonly options: FleetServerOptions) {
    this.name = options.name;
    this.url = `http://localhost:${options.port}`;
    this.dataDir = join(options.folder, `data-${options.name}`);
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 });
  }

  get logPath(): string {
    return join(this.options.folder, `server-${this.name}.log`);
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  get isReady(): boolean {
    return this.#child !== null && this.#freeze === null && this.#life?.readyAtMillis != null;
  }

  get isFrozen(): boolean {
    return this.#freeze !== null;
  }

  /** Starts a process where none runs. From now on it is started again whenever it ends by itself. */
  start(): void {
    this.#isWanted = true;
    if (this.#child) return;
    this.#lives += 1;
    const life: ServerLife = {
      server: this.name,
      caller: `${this.name}#${this.#lives}`,
      startedAtMillis: Date.now(),
      readyAtMillis: null,
      endedAtMillis: null,
      end: null,
    };
    const log = openSync(this.logPath, 'a', 0o600);
    const child = spawn(process.execPath, ['--import', MARK_CALLER, ...this.#mainArguments(), 'serve'], {
      cwd: ROOT,
      env: this.#environment(life.caller),
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#child = child;
    this.#life = life;
    this.options.onLife(life);
    child.once('exit', () => this.#ended(child, life));
    void this.#watchReady(child, life);
  }

  /** SIGKILL: nothing of it is finished. Resolves when the process is gone. False where none runs. */
  async kill(): Promise<boolean> {
    const child = this.#child;
    if (!child || !this.#life) return false;
    this.#isWanted = false;
    this.#life.end = 'killed';
    this.#life.endedAtMillis = Date.now();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    return true;
  }

  /** Ends it in order, as a deployment does. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#isWanted = false;
    if (!child || !this.#life) return;
    this.thaw();
    this.#life.end = 'stopped';
    this.#life.endedAtMillis = Date.now();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
    await ended;
    clearTimeout(killer);
  }

  /** SIGSTOP: it is there and does nothing, until {@link thaw}. */
  freeze(): void {
    if (!this.#child || !this.#life || this.#freeze) return;
    this.#child.kill('SIGSTOP');
    this.#freeze = { caller: this.#life.caller, fromMillis: Date.now(), toMillis: null };
    this.options.onFreeze(this.#freeze);
  }

  thaw(): void {
    if (!this.#freeze) return;
    this.#freeze.toMillis = Date.now();
    this.#freeze = null;
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when it is ready. Rejects after `withinMillis`. */
  async untilReady(withinMillis: number): Promise<void> {
    const deadline = performance.now() + withinMillis;
    while (!this.isReady) {
      if (performance.now() > deadline)
        throw new Error(`Server ${this.name} did not get ready: see ${this.logPath}.`);
      await sleep(LOOK_MILLIS);
    }
  }

  /** What `/readyz` says of refreshing: `running`, `frozen`, or `null` where it says nothing. */
  async refreshState(): Promise<string | null> {
    const body: unknown = await fetch(new URL('/readyz', this.url), {
      signal: AbortSignal.timeout(LOOK_TIMEOUT_MILLIS),
    }).then(
      (response) => response.json(),
      () => null,
    );
    const { refresh } = typeof body === 'object' && body !== null ? (body as { refresh?: unknown }) : {};
    const { status } =
      typeof refresh === 'object' && refresh !== null ? (refresh as { status?: unknown }) : {};
    return typeof status === 'string' ? status : null;
  }

  /** Runs another command of `authpipe` with this server's settings. Resolves to its exit code and what it printed. */
  async runCommand(args: readonly string[]): Promise<{ code: number; printed: string }> {
    const child = spawn(process.execPath, [...this.#mainArguments(), ...args], {
      cwd: ROOT,
      env: this.#environment(`${this.name}#command`),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
      });
    const code = await new Promise<number>((resolve) => {
      child.once('exit', (exitCode) => resolve(exitCode ?? 1));
    });
    return { code, printed };
  }

  #mainArguments(): string[] {
    return this.options.fromSources ? [...SOURCE_ARGUMENTS, SOURCE_MAIN] : [BUILT_MAIN];
  }

  #environment(caller: string): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: 'development',
      PORT: String(this.options.port),
      AUTHPIPE_DATA_DIR: this.dataDir,
      AUTHPIPE_DEV_ALLOW_LOOPBACK: '1',
      AUTHPIPE_LOG_LEVEL: 'debug',
      AUTHPIPE_FAULTS_CALLER: caller,
      ...this.options.environment,
    };
  }

  #ended(child: ChildProcess, life: ServerLife): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (this.#freeze) {
      this.#freeze.toMillis = Date.now();
      this.#freeze = null;
    }
    if (life.end !== null) return;
    life.end = 'died';
    life.endedAtMillis = Date.now();
    this.deaths += 1;
    setTimeout(() => {
      if (this.#isWanted) this.start();
    }, REVIVE_MILLIS).unref();
  }

  async #watchReady(child: ChildProcess, life: ServerLife): Promise<void> {
    while (this.#child === child && life.end === null) {
      const isReady = await fetch(new URL('/readyz', this.url), {
        signal: AbortSignal.timeout(LOOK_TIMEOUT_MILLIS),
      }).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady && this.#child === child) {
        life.readyAtMillis = Date.now();
        return;
      }
      await sleep(LOOK_MILLIS);
    }
  }
}
