// Part of `npm run packed`: @authpipe/node as users have it: on every Node it supports, under TypeScript and Jest, and how
// large it is.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runOrFail, TaskError } from './leash.mjs';
import { root, toolEnvironment } from './prepare.mjs';

const NODE_MAJORS = [20, 22, 24];
const MOST_DEPENDENCIES = 2;

/** Uses every entry point for real: a client whose server is in memory. Ends by itself, or the script hangs. */
const USE = `
const ref = { provider: 'acme', tenantId: 'org_1', userId: 'user_1' };
const use = async () => {
  const { authpipe, testing } = createTestAuthpipe();
  if (!(authpipe instanceof Authpipe)) throw new Error('The entry points do not share their classes.');
  await testing.connect(ref, { credential: 'works' });
  const { credential } = await authpipe.getCredential(ref);
  if (credential !== 'works') throw new Error('The wrong credential was read.');
  await testing.needsReconnect(ref);
  const error = await authpipe.getCredential(ref).catch((reason) => reason);
  if (!(error instanceof AuthpipeError) || error.code !== 'needs_reconnect') throw error;
  new OktaRequestExecutor(authpipe.fetchFor(ref));
};
`;
const AS_MODULE = `
import { Authpipe, AuthpipeError } from '@authpipe/node';
import { OktaRequestExecutor } from '@authpipe/node/okta-sdk';
import { createTestAuthpipe } from '@authpipe/node/testing';
${USE}
await use();
`;
const AS_COMMON_JS = `
const { Authpipe, AuthpipeError } = require('@authpipe/node');
const { OktaRequestExecutor } = require('@authpipe/node/okta-sdk');
const { createTestAuthpipe } = require('@authpipe/node/testing');
${USE}
module.exports = use;
if (require.main === module) use();
`;
const AS_TYPESCRIPT = `
import { Authpipe, AuthpipeError, verifyWebhook, type AuthpipeEvent, type Credential } from '@authpipe/node';
import { OktaRequestExecutor } from '@authpipe/node/okta-sdk';
import { createTestAuthpipe, type TestAuthpipe } from '@authpipe/node/testing';

const { authpipe, testing }: TestAuthpipe = createTestAuthpipe({ stream: false });
export const client: Authpipe = authpipe;
export const read = async (userId: string): Promise<Credential> =>
  authpipe.getCredential({ provider: 'acme', tenantId: 'org_1', userId }, { minValidity: 600 });
// @ts-expect-error the owner is always said
void authpipe.getCredential({ provider: 'acme', tenantId: 'org_1' });
export const event: AuthpipeEvent = verifyWebhook({ headers: {}, body: '', secret: testing.webhookSecret });
export const executor = new OktaRequestExecutor(authpipe.fetchFor({ connectionId: 'conn_1' }));
export const isOver = (error: unknown): boolean =>
  error instanceof AuthpipeError && error.code === 'needs_reconnect';
`;

/**
 * @param {{ consumer: string, tarball: string, userEnvironment: NodeJS.ProcessEnv }} packed a project that has the
 *   tarballs installed, the tarball of @authpipe/node, and the environment of a user
 */
export const checkNodePackage = async ({ consumer, tarball, userEnvironment }) => {
  checkDependencies(consumer);
  const options = { cwd: consumer, env: userEnvironment, quiet: true };
  writeFileSync(join(consumer, 'use.mjs'), AS_MODULE);
  writeFileSync(join(consumer, 'use.cjs'), AS_COMMON_JS);
  for (const [version, node] of await nodes(options)) {
    for (const file of ['use.mjs', 'use.cjs']) {
      await runOrFail(node, [file], { ...options, complaint: `@authpipe/node fails on Node ${version}.` });
    }
    console.log(`@authpipe/node, /okta-sdk and /testing import and require on Node ${version}.`);
  }
  await checkJest(consumer, options);
  for (const resolution of ['node16', 'bundler']) await checkTypes(consumer, resolution, options);
  console.log('@authpipe/node compiles for moduleResolution node16 and bundler.');
  printSizes(consumer, tarball);
};

const checkDependencies = (consumer) => {
  const manifest = JSON.parse(
    readFileSync(join(consumer, 'node_modules/@authpipe/node/package.json'), 'utf8'),
  );
  const names = Object.keys(manifest.dependencies).filter((name) => name !== '@authpipe/types');
  if (names.length > MOST_DEPENDENCIES) {
    throw new TaskError(
      `@authpipe/node may have ${MOST_DEPENDENCIES} dependencies, not ${names.join(', ')}.`,
    );
  }
};

/** Each version with its program: the machine's and this task's own where they fit, the others through npx. */
const nodes = async ({ env, cwd }) => {
  const versionOf = (node) => execFileSync(node, ['--version'], { env, encoding: 'utf8' }).trim();
  const here = ['node', process.execPath].map((node) => [versionOf(node), node]);
  const found = new Map(here);
  for (const major of NODE_MAJORS) {
    if (here.some(([version]) => version.startsWith(`v${major}.`))) continue;
    const args = ['--yes', '-p', `node@${major}`, '--', 'node', '-p', 'process.execPath'];
    const node = execFileSync('npx', args, { env, cwd, encoding: 'utf8' }).trim();
    found.set(versionOf(node), node);
  }
  return found;
};

/** As most projects have it: CommonJS, without Node's flag for modules. */
const checkJest = async (consumer, options) => {
  const test = `const use = require('./use.cjs'); test('works', async () => { jest.useFakeTimers(); await use(); });`;
  writeFileSync(join(consumer, 'use.test.js'), test);
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  await runOrFail(process.execPath, [jest, '--rootDir', '.'], {
    ...options,
    complaint: '@authpipe/node/testing fails in Jest.',
  });
  console.log('@authpipe/node/testing works in Jest.');
};

const checkTypes = async (consumer, resolution, options) => {
  const project = join(consumer, `types-${resolution}`);
  mkdirSync(project);
  const isBundler = resolution === 'bundler';
  for (const extension of isBundler ? ['ts'] : ['mts', 'cts']) {
    writeFileSync(join(project, `use.${extension}`), AS_TYPESCRIPT);
  }
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
    ...{ target: 'ES2023', lib: ['ES2023'], moduleResolution: resolution },
    module: isBundler ? 'ESNext' : 'Node16',
    ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await runOrFail('tsc', ['-p', project], {
    ...options,
    env: toolEnvironment,
    complaint: `@authpipe/node does not compile with moduleResolution ${resolution}.`,
  });
};

const printSizes = (consumer, tarball) => {
  const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`;
  console.log(`@authpipe/node packed: ${kilobytes(statSync(tarball).size)}`);
  const bundle = bundled(consumer, "export { Authpipe } from '@authpipe/node';");
  if (bundle === undefined) return;
  const gzipped = kilobytes(gzipSync(bundle).length);
  console.log(`import { Authpipe }, bundled and minified: ${kilobytes(bundle.length)} (gzip ${gzipped})`);
};

/** What the bundler of tsup makes of a module, or `undefined` where it is not installed. */
const bundled = (resolveDir, contents) => {
  const requireHere = createRequire(import.meta.url);
  let esbuild;
  try {
    esbuild = createRequire(requireHere.resolve('tsup'))('esbuild');
  } catch {
    return undefined;
  }
  const { outputFiles } = esbuild.buildSync({
    ...{ stdin: { contents, resolveDir }, bundle: true, minify: true, write: false },
    ...{ platform: 'node', format: 'esm', target: 'node20', external: ['@opentelemetry/api'] },
  });
  return outputFiles[0].contents;
};
