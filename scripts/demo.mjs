// `npm run demo`: Authpipe, a sandbox Okta org and a sample SaaS app, together. `-- --check` walks the main job by itself.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { endTask, holdLeash, isEnding, run, start, TaskError } from './leash.mjs';
import { build, install, root } from './prepare.mjs';

const startedAt = Date.now();
holdLeash();

const isCheck = process.argv.includes('--check');
const ports = {
  server: { variable: 'PORT', port: Number(process.env.PORT || 4600) },
  org: { variable: 'AUTHPIPE_DEMO_ORG_PORT', port: Number(process.env.AUTHPIPE_DEMO_ORG_PORT || 4601) },
  app: { variable: 'AUTHPIPE_DEMO_APP_PORT', port: Number(process.env.AUTHPIPE_DEMO_APP_PORT || 4602) },
};

const isFree = (port, host) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(error.code !== 'EADDRINUSE' && error.code !== 'EACCES'));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });

for (const { variable, port } of Object.values(ports)) {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TaskError(`${variable} must be a port number.`);
  // One after the other: a port on all addresses is taken by our own probe of one.
  for (const host of ['127.0.0.1', '::1', undefined]) {
    if (await isFree(port, host)) continue;
    throw new TaskError(
      `Port ${port} is taken: end what uses it, or choose another with ${variable}=… npm run demo.`,
    );
  }
}
if (new Set(Object.values(ports).map(({ port }) => port)).size < 3)
  throw new TaskError('PORT, AUTHPIPE_DEMO_ORG_PORT and AUTHPIPE_DEMO_APP_PORT must be three ports.');

await install();
await build();

const authpipeUrl = process.env.AUTHPIPE_URL || `http://localhost:${ports.server.port}`;
const appUrl = process.env.AUTHPIPE_DEMO_APP_URL || `http://localhost:${ports.app.port}`;
const orgUrl = `http://localhost:${ports.org.port}`;
const dataDir = join(root, '.authpipe', `demo-${ports.server.port}`);
// The sandbox org forgets everything at its end, so connections of an earlier demo would only be dead weight.
const forget = () => rmSync(dataDir, { recursive: true, force: true });
forget();
mkdirSync(dataDir, { recursive: true, mode: 0o700 });
process.on('exit', forget);

/** Real secrets, new for each demo; they never leave this machine. */
const newSecret = () => randomBytes(32).toString('base64url');
/** A shell may be set up for a real server: the demo must not touch its database or its keys. */
const { DATABASE_URL, DATABASE_DIRECT_URL, AUTHPIPE_ENCRYPTION_KEY, ...inherited } = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.endsWith('_FILE')),
);
const environment = {
  ...inherited,
  PORT: String(ports.server.port),
  AUTHPIPE_DEMO_ORG_PORT: String(ports.org.port),
  AUTHPIPE_DEMO_APP_PORT: String(ports.app.port),
  AUTHPIPE_URL: authpipeUrl,
  AUTHPIPE_DEMO_APP_URL: appUrl,
  AUTHPIPE_DEMO_REDIRECT_URIS: `${authpipeUrl}/connect/callback`,
  AUTHPIPE_DATA_DIR: join(dataDir, 'data'),
  // Given by whoever wants to try the client on the demo's server too.
  AUTHPIPE_API_KEY: inherited.AUTHPIPE_API_KEY || `ap_test_${newSecret()}`,
  AUTHPIPE_DEMO_CLIENT_SECRET: newSecret(),
  AUTHPIPE_DEV_ALLOW_LOOPBACK: '1',
  AUTHPIPE_LOG_LEVEL: process.env.AUTHPIPE_LOG_LEVEL || 'info',
  NODE_ENV: 'development',
  // A revocation shows by schedule alone; nobody wants to wait a quarter of an hour for it here.
  AUTHPIPE_PROBE_INTERVAL_SECONDS: isCheck ? '3' : process.env.AUTHPIPE_PROBE_INTERVAL_SECONDS || '10',
  // Nor an hour for a refresh.
  ...(isCheck ? { AUTHPIPE_DEMO_TOKEN_SECONDS: '15' } : {}),
};

/** A part of the demo: it ends when this process does (its IPC channel closes), and ends the demo when it fails. */
const part = (name, args, more = {}) => {
  const log = openSync(join(dataDir, `${name}.log`), 'w', 0o600);
  const child = start(process.execPath, args, {
    env: { ...environment, ...more },
    cwd: root,
    stdio: ['ignore', log, 'inherit', 'ipc'],
  });
  closeSync(log);
  child.once('exit', (code) => {
    if (isEnding()) return;
    console.error(`The demo's ${name} ended (${code ?? 'killed'}), and the demo with it.`);
    endTask(1);
  });
};

const answers = async (url) => {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const isUp = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new TaskError(`${url} did not answer within a minute: see the messages above.`);
};

const demo = join(root, 'apps', 'demo', 'dist');
part('server', [join(root, 'apps', 'server', 'dist', 'main.js'), 'serve']);
part('org', [join(demo, 'org.js')]);
await Promise.all([
  answers(`http://127.0.0.1:${ports.server.port}/readyz`),
  answers(`${orgUrl}/.well-known/openid-configuration`),
]);
// Browsers know names such as authpipe.localhost, which Node does not resolve.
part('app', [join(demo, 'app.js')], {
  AUTHPIPE_URL: `http://localhost:${ports.server.port}`,
  AUTHPIPE_DEMO_AUTHPIPE_PUBLIC_URL: authpipeUrl,
});
await answers(`http://127.0.0.1:${ports.app.port}/`);

if (isCheck) {
  const env = { ...environment, AUTHPIPE_DEMO_STARTED_AT: String(startedAt), AUTHPIPE_DEMO_ORG_URL: orgUrl };
  await endTask(await run(process.execPath, [join(demo, 'check.js')], { cwd: root, env }));
}
const ownKey = inherited.AUTHPIPE_API_KEY
  ? `AUTHPIPE_URL=${authpipeUrl} and the AUTHPIPE_API_KEY that you gave`
  : 'start it with a key of your own: AUTHPIPE_API_KEY=ap_test_$(openssl rand -hex 32) npm run demo';
console.log(`
  Sample app          ${appUrl}
  Sandbox org         ${orgUrl}/control
  Authpipe            ${authpipeUrl}
  From your own code  ${ownKey}

Ctrl-C stops it all; nothing is kept.`);
console.log(`Authpipe demo ready: ${appUrl}`);
