// Part of `npm run packed`: @authpipe/react as users have it: marked for the browser, loaded without its optional peer,
// and at work in the README's Next.js app, built for production.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { runOrFail, start, TaskError } from './leash.mjs';
import { root } from './prepare.mjs';

const NEXT = ['next@16', 'react@19', 'react-dom@19', '@tanstack/react-query@5'];
const TYPES = ['typescript@5', '@types/react@19', '@types/node@24'];

const USER = { tenantId: 'org_acme', id: 'user_123' };

/** What the README's example leaves to its reader, and a page that uses the package without a client component between. */
const APP = {
  'require-user.ts': `export const requireUser = async () => (${JSON.stringify(USER)});\n`,
  'app/layout.tsx': `import type { ReactNode } from 'react';
export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body><main>{children}</main></body></html>;
}
`,
  'app/server-only/page.tsx': `import { AuthpipeProvider, ConnectButton } from '@authpipe/react';
export default function Page() {
  return <AuthpipeProvider session="aps_none.none"><ConnectButton provider="okta" /></AuthpipeProvider>;
}
`,
};

/**
 * @param {{
 *   consumer: string,
 *   emptyProject: (name: string) => string,
 *   npmInstall: (project: string, packages: string[]) => Promise<void>,
 *   tarballs: string[],
 *   freePort: () => Promise<number>,
 *   userEnvironment: NodeJS.ProcessEnv,
 * }} packed a project with the tarballs and React alone, and what makes another one
 */
export const checkReactPackage = async (packed) => {
  checkDirectives(join(packed.consumer, 'node_modules/@authpipe/react/dist'));
  const project = packed.emptyProject('next-app');
  await packed.npmInstall(project, [...packed.tarballs, ...NEXT, ...TYPES]);
  for (const [file, text] of [...Object.entries(APP), ...readmeFiles()]) {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }
  await checkNextApp(project, packed);
  console.log("The README's Next.js app builds, renders on the server, and mints sessions.");
};

/** Next.js reads the directive in every file that a server component reaches, of either kind of module. */
const checkDirectives = (dist) => {
  const files = readdirSync(dist).filter((file) => /\.c?js$/.test(file));
  const unmarked = files.filter(
    (file) => !/^['"]use client['"];/.test(readFileSync(join(dist, file), 'utf8')),
  );
  if (files.length === 0 || unmarked.length > 0) {
    throw new TaskError(`Built files of @authpipe/react lost 'use client': ${unmarked.join(', ') || 'all'}.`);
  }
};

/** The files that the README's examples name in their first line. */
const readmeFiles = () => {
  const readme = readFileSync(join(root, 'packages/react/README.md'), 'utf8');
  const files = [...readme.matchAll(/^```tsx?\n(\/\/ (app\/\S+)\n[\s\S]*?)^```/gm)].map(([, text, file]) => [
    file,
    text,
  ]);
  if (files.length !== 3) throw new TaskError('The README of @authpipe/react has no Next.js app any more.');
  return files;
};

const checkNextApp = async (project, { freePort, userEnvironment }) => {
  const asked = [];
  const authpipe = createServer(async (request, response) => {
    const chunks = await request.toArray();
    asked.push(JSON.parse(Buffer.concat(chunks).toString() || 'null'));
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        id: 'sess_1',
        token: 'aps_a.b',
        url: 'http://localhost/',
        expiresAt: '2126-01-01T00:00:00Z',
      }),
    );
  });
  await new Promise((resolve) => authpipe.listen(0, '127.0.0.1', resolve));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const env = {
    ...userEnvironment,
    NEXT_TELEMETRY_DISABLED: '1',
    APP_ORIGIN: origin,
    AUTHPIPE_API_KEY: `ap_test_${'a'.repeat(43)}`,
    AUTHPIPE_URL: `http://127.0.0.1:${authpipe.address().port}`,
  };
  try {
    const options = { cwd: project, env, quiet: true };
    await runOrFail('npx', ['next', 'build'], {
      ...options,
      complaint: "The README's Next.js app does not build.",
    });
    const app = start('npx', ['next', 'start', '--port', String(port)], {
      cwd: project,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const settings = await firstAnswer(`${origin}/settings`, app);
    expectIn(settings, 'data-authpipe-list="loading"', 'the list’s place');
    expectIn(settings, 'Connect Okta', 'the button');
    expectIn(
      await (await fetch(`${origin}/server-only`)).text(),
      'Connect Okta',
      'the button of a server component',
    );
    await checkSessions(origin, asked);
    app.kill();
  } finally {
    authpipe.close();
    authpipe.closeAllConnections();
  }
};

const checkSessions = async (origin, asked) => {
  const ask = (from, body) =>
    fetch(`${origin}/api/connect-session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: from },
      body: JSON.stringify(body),
    });
  const connect = await ask(origin, { integration: 'okta', userId: 'another' });
  const list = await ask(origin, { permissions: ['connect'] });
  const stranger = await ask('https://evil.test', { integration: 'okta' });
  const tokens = [(await connect.json()).token, (await list.json()).token];
  if (tokens.some((token) => token !== 'aps_a.b') || stranger.status !== 403 || asked.length !== 2) {
    throw new TaskError('The session route of the README answers wrong.');
  }
  const [forConnect, forList] = asked;
  const isRight =
    forConnect.userId === USER.id &&
    forConnect.integrations?.join() === 'okta' &&
    forConnect.permissions === undefined &&
    forList.permissions?.join() === 'list,disconnect';
  if (!isRight) throw new TaskError(`The session route of the README asks for ${JSON.stringify(asked)}.`);
};

const firstAnswer = async (url, app) => {
  for (let attempt = 0; attempt < 300 && app.exitCode === null; attempt += 1) {
    const text = await fetch(url).then(
      (response) => (response.ok ? response.text() : undefined),
      () => undefined,
    );
    if (text !== undefined) return text;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new TaskError("The README's Next.js app does not answer.");
};

const expectIn = (html, text, what) => {
  if (!html.includes(text)) throw new TaskError(`What Next.js renders on the server lacks ${what}.`);
};
