// `npm run packed`: what users install, not what we have: each package packed, linted as a package, installed alone in an
// empty folder, and run there on the machine's own Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endTask, holdLeash, runOrFail, start, TaskError } from './leash.mjs';
import { checkNodePackage } from './packed-node.mjs';
import { checkReactPackage } from './packed-react.mjs';
import { build, install, root, toolEnvironment } from './prepare.mjs';

holdLeash();
await install();
await build();

const folder = mkdtempSync(join(tmpdir(), 'authpipe-packed-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const tarballs = join(folder, 'tarballs');
mkdirSync(tarballs);

const LIBRARIES = ['types', 'providers', 'node', 'react'];
const env = toolEnvironment;

/** Node as users have it: the machine's, without this workspace's programs before it. */
const machinePath = process.env.PATH.split(':')
  .filter((part) => !/[\\/]node_modules[\\/]\.bin$|node-gyp-bin/.test(part))
  .join(':');
const userEnvironment = { ...process.env, PATH: machinePath };

for (const name of [...LIBRARIES, 'server']) {
  const cwd = join(root, name === 'server' ? 'apps' : 'packages', name);
  await runOrFail('pnpm', ['pack', '--pack-destination', tarballs], {
    cwd,
    env,
    quiet: true,
    complaint: `${name} could not be packed.`,
  });
}
const tarballOf = (name) => {
  const file = readdirSync(tarballs).find((candidate) => candidate.startsWith(`authpipe-${name}-`));
  if (!file) throw new TaskError(`There is no tarball of ${name}.`);
  return join(tarballs, file);
};

for (const name of LIBRARIES) {
  await runOrFail('publint', ['--strict', tarballOf(name)], {
    env,
    quiet: true,
    complaint: `publint finds fault with ${name}.`,
  });
  await runOrFail('attw', [tarballOf(name)], {
    env,
    quiet: true,
    complaint: `The types of ${name} do not resolve everywhere.`,
  });
}

const emptyProject = (name) => {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name, private: true }));
  return project;
};

const npmInstall = (project, packages) =>
  runOrFail('npm', ['install', '--no-audit', '--no-fund', ...packages], {
    cwd: project,
    env: userEnvironment,
    quiet: true,
    complaint: `npm could not install the tarballs into ${project}.`,
  });

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });

// The libraries: import and require, on the machine's own Node.
const consumer = emptyProject('consumer');
await npmInstall(consumer, [...LIBRARIES.map(tarballOf), 'react@19', 'react-dom@19']);
const uses = {
  node: "new Authpipe({ apiKey: 'ap_test_' + 'a'.repeat(43), baseUrl: 'http://localhost:4600' }).close()",
  react: 'ConnectButton.name',
  types: 'ERROR_CODES.needs_reconnect.status',
  providers: "findProvider('okta').name",
};
const names = { node: 'Authpipe', react: 'ConnectButton', types: 'ERROR_CODES', providers: 'findProvider' };
for (const library of LIBRARIES) {
  const name = names[library];
  const asModule = `import { ${name} } from '@authpipe/${library}'; void (${uses[library]});`;
  const asCommonJs = `const { ${name} } = require('@authpipe/${library}'); void (${uses[library]});`;
  const options = { cwd: consumer, env: userEnvironment, quiet: true };
  await runOrFail('node', ['--input-type=module', '-e', asModule], {
    ...options,
    complaint: `import of ${library} fails.`,
  });
  await runOrFail('node', ['--input-type=commonjs', '-e', asCommonJs], {
    ...options,
    complaint: `require of ${library} fails.`,
  });
}
const version = execFileSync('node', ['--version'], { env: userEnvironment, encoding: 'utf8' }).trim();
console.log(`The libraries import and require on Node ${version}.`);
await checkNodePackage({ consumer, tarball: tarballOf('node'), userEnvironment });
await checkReactPackage({
  ...{ consumer, emptyProject, npmInstall, freePort, userEnvironment },
  tarballs: LIBRARIES.map(tarballOf),
});

// The server: its tarball alone.
const host = emptyProject('host');
await npmInstall(host, [tarballOf('server')]);
const port = await freePort();
const server = start('npx', ['authpipe', 'serve'], {
  cwd: host,
  env: { ...userEnvironment, PORT: String(port) },
  stdio: ['ignore', 'ignore', 'inherit'],
});
let isReady = false;
for (let attempt = 0; attempt < 300 && !isReady && server.exitCode === null; attempt += 1) {
  await new Promise((done) => setTimeout(done, 200));
  isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}
if (!isReady) throw new TaskError('The packed server did not become ready.');
const page = await fetch(`http://127.0.0.1:${port}/providers/okta`);
if (!page.ok || !(await page.text()).includes('Okta'))
  throw new TaskError('The packed server does not serve the provider pages.');
console.log('The packed server serves from an empty folder.');
await endTask(0);
