import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs the demo's org as its own process, as `npm run demo` does. */
function runOrg(environment: Record<string, string>) {
  const main = new URL('../src/org/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.push(child);
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('The child has no output.');
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, exited, firstLine: firstLine(stdout), errors: everything(stderr) };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

async function everything(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

test('says in one line where it is ready, and ends when its parent goes', async () => {
  const { child, exited, firstLine } = runOrg({ AUTHPIPE_DEMO_ORG_PORT: '0' });
  const line = await firstLine;
  expect(line).toMatch(/^Sandbox Okta org ready: http:\/\/localhost:\d+ /);
  child.disconnect();
  expect(await exited).toBe(0);
});

test('ends at once on a signal, even when it comes twice', async () => {
  const { child, exited, firstLine } = runOrg({ AUTHPIPE_DEMO_ORG_PORT: '0' });
  await firstLine;
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await exited).toBe(0);
});

test('a taken port is one sentence that says what to do', async () => {
  const occupant = createServer();
  await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
  const { port } = occupant.address() as AddressInfo;
  const { exited, errors } = runOrg({ AUTHPIPE_DEMO_ORG_PORT: String(port) });
  expect(await exited).toBe(1);
  expect(await errors).toBe(
    `Port ${port} is taken: stop what listens there, or set AUTHPIPE_DEMO_ORG_PORT to a free port.\n`,
  );
  await new Promise((resolve) => occupant.close(resolve));
});

test('a setting that is no number is named', async () => {
  const { exited, errors } = runOrg({ AUTHPIPE_DEMO_TOKEN_SECONDS: 'soon' });
  expect(await exited).toBe(1);
  expect(await errors).toBe('AUTHPIPE_DEMO_TOKEN_SECONDS must be a whole number, not “soon”.\n');
});
