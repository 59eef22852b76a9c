import { chmodSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import type { MarkedProcess } from './support/marked-processes.js';
import { copyScripts, type ScriptsCopy, type Started } from './support/scripts-copy.js';

const NODE = process.execPath;
/** More than a task and its leash take to tidy up. */
const TIDY_MILLIS = 12_000;

let copy: ScriptsCopy;
beforeEach(() => {
  copy = copyScripts();
});
afterEach(() => copy.remove());

const commands = (processes: readonly MarkedProcess[]): string[] => processes.map(({ command }) => command);

/**
 * A task with a child that has a child, which never end by themselves. The grandchild takes its time when told to end;
 * the child does not wait for it.
 */
const SLEEPER = `
  import { holdLeash, start } from './leash.mjs';
  holdLeash();
  const sleep = 'setInterval(() => {}, 1_000);';
  const slow = 'process.on("SIGTERM", () => setTimeout(() => { console.log("tidied"); process.exit(); }, 700)); console.log("asleep");' + sleep;
  const spawnSlow = 'require("node:child_process").spawn(process.execPath, ["-e", ' + JSON.stringify(slow) + '], { stdio: "inherit" });';
  start(process.execPath, ['-e', spawnSlow + sleep]);
`;

const npmRunSleeper = async () => {
  copy.addTask('sleeper', SLEEPER);
  const npm = copy.start('npm', ['run', 'sleeper']);
  await npm.printed('asleep');
  return npm;
};

const expectNothingLeftOf = async (npm: Started) => {
  expect(commands(await npm.left(TIDY_MILLIS))).toEqual([]);
  expect(copy.temporaryFiles()).toEqual([]);
};

describe('however an npm script is ended, nothing of it stays behind', () => {
  // A SIGINT to npm alone is not among these: npm sits it out, since a terminal's goes to everyone.
  it.each(['SIGKILL', 'SIGTERM', 'SIGHUP'] as const)('when npm gets %s', async (signal) => {
    const npm = await npmRunSleeper();
    // npm, start.cjs, npx, the task and the two below it.
    expect(npm.living().length).toBeGreaterThanOrEqual(6);
    npm.child.kill(signal);
    await expectNothingLeftOf(npm);
  });

  it('and all had time to tidy up before npm itself has ended, on Ctrl-C twice', async () => {
    const npm = await npmRunSleeper();
    // As a terminal does it: everyone in the foreground gets it.
    for (const signal of ['SIGINT', 'SIGINT']) process.kill(-(npm.child.pid ?? 0), signal);
    const { output } = await npm.ended;
    expect(commands(npm.living())).toEqual([]);
    expect(copy.temporaryFiles()).toEqual([]);
    expect(output).toContain('tidied');
  });

  it('when the terminal is closed', async () => {
    const npm = await npmRunSleeper();
    process.kill(-(npm.child.pid ?? 0), 'SIGHUP');
    await expectNothingLeftOf(npm);
  });

  it.each([
    ['the script under npm', /^\S*node scripts\/start\.cjs sleeper$/],
    ['npx', /^npm exec|npx-cli/],
    ['the task', /^\S*node \S+sleeper\.mjs$/],
  ])('when %s is killed', async (_name, pattern) => {
    const npm = await npmRunSleeper();
    const found = npm.living().filter(({ command }) => pattern.test(command));
    expect(found).toHaveLength(1);
    for (const { pid } of found) process.kill(pid, 'SIGKILL');
    await expectNothingLeftOf(npm);
  });
});

describe('a task', () => {
  it('tells a TaskError in one sentence and fails', async () => {
    copy.addTask(
      'failing',
      `import { holdLeash, TaskError } from './leash.mjs';
       holdLeash();
       throw new TaskError('Feed the cat, then run this again.');`,
    );
    const task = copy.start(NODE, ['scripts/failing.mjs']);
    expect(await task.ended).toEqual({ code: 1, output: 'Feed the cat, then run this again.\n' });
  });

  it('tells any other error with its stack, which is for us', async () => {
    copy.addTask(
      'broken',
      `import { holdLeash } from './leash.mjs'; holdLeash(); throw new Error('A bug.');`,
    );
    const task = copy.start(NODE, ['scripts/broken.mjs']);
    const { code, output } = await task.ended;
    expect(code).toBe(1);
    expect(output).toMatch(/Error: A bug\.\n {4}at /);
  });

  it('ends what its tools have left running, when it is done', async () => {
    const careless = `require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' }).unref();`;
    copy.addTask(
      'careless',
      `import { endTask, holdLeash, run } from './leash.mjs';
       holdLeash();
       await run(process.execPath, ['-e', ${JSON.stringify(careless)}]);
       await endTask(0);`,
    );
    const task = copy.start(NODE, ['scripts/careless.mjs']);
    expect(await task.ended).toEqual({ code: 0, output: '' });
    expect(commands(task.living())).toEqual([]);
  });

  it('hands its leash to nobody', async () => {
    withFakeNpx();
    copy.addTask(
      'envious',
      `import { endTask, holdLeash, run } from './leash.mjs';
       import { toolEnvironment } from './prepare.mjs';
       holdLeash();
       const tell = ['-e', 'console.log("leash:", process.env.AUTHPIPE_LEASH)'];
       await run(process.execPath, tell);
       await endTask(await run(process.execPath, tell, { env: toolEnvironment }));`,
    );
    const task = start('envious');
    expect(await task.ended).toEqual({ code: 0, output: 'leash: undefined\nleash: undefined\n' });
  });

  it('gets the arguments, and its exit code is the script’s', async () => {
    withFakeNpx();
    copy.addTask(
      'parrot',
      `import { endTask, holdLeash } from './leash.mjs';
       holdLeash();
       console.log(JSON.stringify(process.argv.slice(2)));
       await endTask(7);`,
    );
    const task = start('parrot', ['--check', 'two words', "it's"]);
    expect(await task.ended).toEqual({ code: 7, output: '["--check","two words","it\'s"]\n' });
  });
});

/** An npx that uses the Node at hand. */
const withFakeNpx = (): void => {
  copy.addFile(
    'bin/npx',
    `#!/bin/sh\nwhile [ "$1" != node ]; do shift; done\nshift\nexec "${NODE}" "$@"\n`,
    0o755,
  );
};

/** `npm run TASK`, without npm, and with the npx of the copy first. */
const start = (task: string, args: readonly string[] = [], preload: readonly string[] = []) =>
  copy.start(NODE, [...preload, 'scripts/start.cjs', task, ...args], {
    PATH: [join(copy.root, 'bin'), process.env.PATH].join(delimiter),
  });

describe('a set-up that can not work is told in one sentence', () => {
  it('when the Node is old', async () => {
    copy.addTask('sleeper', SLEEPER);
    const old = copy.addFile(
      'old.cjs',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '12.22.9' } });`,
    );
    expect(await start('sleeper', [], ['-r', old]).ended).toEqual({
      code: 1,
      output:
        'Authpipe needs Node 20 or newer, and this is Node 12.22.9: install a newer Node and run the command again.\n',
    });
  });

  it('which even a Node of 2016 can read', () => {
    const source = readFileSync(join(copy.root, 'scripts', 'start.cjs'), 'utf8');
    const compile = (target: ts.ScriptTarget) =>
      ts.transpileModule(source, { compilerOptions: { target, allowJs: true } }).outputText;
    expect(compile(ts.ScriptTarget.ES2015)).toBe(compile(ts.ScriptTarget.ESNext));
    expect(source).not.toContain('node:');
  });

  it.each(['nosuch', '../outside', ''])('when there is no task "%s"', async (name) => {
    copy.addFile('outside.mjs', '');
    expect(await start(name).ended).toEqual({
      code: 1,
      output: `There is no task "${name}": see the scripts in package.json.\n`,
    });
  });

  it('when the folder can not be written to', async () => {
    copy.addTask('sleeper', SLEEPER);
    // Root may write everywhere, so it becomes someone else on the way.
    const drop = copy.addFile(
      'drop-root.cjs',
      `if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }`,
    );
    chmodSync(copy.root, 0o555);
    const { code, output } = await start('sleeper', [], ['-r', drop]).ended;
    chmodSync(copy.root, 0o755);
    expect({ code, output }).toEqual({
      code: 1,
      output: `Authpipe can't write to ${copy.root}: clone it into a folder of your own, or change the folder's owner.\n`,
    });
  });

  it('when the temporary folder is missing', async () => {
    copy.addTask('sleeper', SLEEPER);
    const missing = join(copy.root, 'missing');
    expect(await copy.start(NODE, ['scripts/start.cjs', 'sleeper'], { TMPDIR: missing }).ended).toEqual({
      code: 1,
      output: `Authpipe can't write to the temporary folder ${missing}: choose another with TMPDIR.\n`,
    });
  });

  it('when npx is missing', async () => {
    copy.addTask('sleeper', SLEEPER);
    expect(await copy.start(NODE, ['scripts/start.cjs', 'sleeper'], { PATH: copy.root }).ended).toEqual({
      code: 1,
      output: 'npx could not be started (ENOENT): install npm, which comes with Node.\n',
    });
  });

  it('when npx can not bring Node', async () => {
    copy.addTask('sleeper', SLEEPER);
    copy.addFile('bin/npx', '#!/bin/sh\nexit 1\n', 0o755);
    const { code, output } = await start('sleeper').ended;
    expect(code).toBe(1);
    expect(output).toMatch(/^npx could not bring Node \d\S+ and pnpm \d\S+: see its message above; .*\.\n$/);
  });
});

describe('the demo looks at its ports before anything else', () => {
  const occupied: Server[] = [];
  afterEach(async () => {
    for (const server of occupied.splice(0)) await close(server);
  });

  const listen = async (host: string): Promise<Server> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve));
    return server;
  };
  const close = (server: Server) => new Promise((resolve) => server.close(resolve));
  const portOf = (server: Server): string => String((server.address() as AddressInfo).port);

  const occupy = async (host: string): Promise<string> => {
    const server = await listen(host);
    occupied.push(server);
    return portOf(server);
  };

  /** Three that were free a moment ago. */
  const freePorts = async () => {
    const [server, org, app] = [
      await listen('127.0.0.1'),
      await listen('127.0.0.1'),
      await listen('127.0.0.1'),
    ];
    const ports = {
      PORT: portOf(server),
      AUTHPIPE_DEMO_ORG_PORT: portOf(org),
      AUTHPIPE_DEMO_APP_PORT: portOf(app),
    };
    for (const listening of [server, org, app]) await close(listening);
    return ports;
  };

  const VARIABLES = ['PORT', 'AUTHPIPE_DEMO_ORG_PORT', 'AUTHPIPE_DEMO_APP_PORT'] as const;

  /** With nothing but Node to be found, so that it never gets past its first step. */
  const demo = async (ports: Record<string, string>) =>
    copy.start(NODE, ['scripts/demo.mjs'], { PATH: dirname(NODE), ...(await freePorts()), ...ports }).ended;

  it.each(VARIABLES)('and names the one that is taken, and %s, which moves it', async (variable) => {
    const port = await occupy('127.0.0.1');
    expect(await demo({ [variable]: port })).toEqual({
      code: 1,
      output: `Port ${port} is taken: end what uses it, or choose another with ${variable}=… npm run demo.\n`,
    });
  });

  it('and sees one that is taken on all addresses', async () => {
    const port = await occupy('0.0.0.0');
    expect((await demo({ PORT: port })).output).toContain(`Port ${port} is taken`);
  });

  it.each(['abc', '0', '70000', '80.5'])('and refuses %s for one', async (value) => {
    expect(await demo({ PORT: value })).toEqual({ code: 1, output: 'PORT must be a port number.\n' });
  });

  it('and refuses one for two parts', async () => {
    const { PORT } = await freePorts();
    expect(await demo({ PORT, AUTHPIPE_DEMO_APP_PORT: PORT })).toEqual({
      code: 1,
      output: 'PORT, AUTHPIPE_DEMO_ORG_PORT and AUTHPIPE_DEMO_APP_PORT must be three ports.\n',
    });
  });

  it('and goes on when they are free', async () => {
    expect((await demo({ PATH: copy.root })).output).toMatch(
      /^Installing dependencies …\npnpm could not be started/,
    );
  });
});
