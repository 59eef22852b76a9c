/** @jest-environment node */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

/** Where the README's files seem to be: nothing is written. */
const FOLDER = join(import.meta.dirname, 'readme');

/** What the README's readers have and its examples only name. */
const READERS_OWN = `
import type { Authpipe } from '@authpipe/node';
import type * as all from '@authpipe/react';
import type { QueryClient as Client, QueryClientProvider as ClientProvider } from '@tanstack/react-query';
import type { ComponentPropsWithRef, ReactElement } from 'react';
declare global {
  const authpipe: Authpipe;
  const user: { readonly tenantId: string; readonly id: string };
  const response: { json(body: unknown): void };
  const request: { readonly body: { permissions?: unknown; integration: string; connectionId?: string } };
  const queryClient: Client;
  const QueryClientProvider: typeof ClientProvider;
  const AuthpipeProvider: typeof all.AuthpipeProvider;
  const ConnectButton: typeof all.ConnectButton;
  const fetchSession: (request: all.SessionRequest) => Promise<string>;
  const YourButton: (props: ComponentPropsWithRef<'button'> & { variant: 'primary' }) => ReactElement;
  type SessionRequest = all.SessionRequest;
}
`;
const SIGN_IN = `export declare const requireUser: () => Promise<{ tenantId: string; id: string }>;`;

/** Every example in TypeScript: under the name that its first line gives, or under one of its own. */
function examples(): Map<string, string> {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const files = new Map<string, string>();
  for (const [, code = ''] of readme.matchAll(/^```tsx?\n([\s\S]*?)^```/gm)) {
    const name = /^\/\/ (app\/\S+)$/m.exec(code)?.[1] ?? `example-${files.size + 1}.tsx`;
    files.set(join(FOLDER, name), `${code}\nexport {};`);
  }
  return files;
}

it('every example of the README compiles', () => {
  const files = examples();
  expect(files.size).toBeGreaterThan(8);
  expect([...files.keys()].filter((name) => name.includes('/app/'))).toHaveLength(3);
  const inputs = [...files.keys()];
  files.set(join(FOLDER, 'require-user.d.ts'), SIGN_IN);
  files.set(join(FOLDER, 'readers-own.d.ts'), READERS_OWN);

  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, jsx: ts.JsxEmit.ReactJSX, types: ['node'] },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
    ...{ moduleResolution: ts.ModuleResolutionKind.Bundler, customConditions: ['authpipe:source'] },
  };
  const host = ts.createCompilerHost(options);
  const disk = {
    readFile: host.readFile,
    fileExists: host.fileExists,
    directoryExists: host.directoryExists,
  };
  host.readFile = (name) => files.get(name) ?? disk.readFile(name);
  host.fileExists = (name) => files.has(name) || disk.fileExists(name);
  host.directoryExists = (name) => name.startsWith(FOLDER) || (disk.directoryExists?.(name) ?? true);
  const { getSourceFile } = host;
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, text, version, true);
  };
  const program = ts.createProgram([...inputs, join(FOLDER, 'readers-own.d.ts')], options, host);
  const complaints = inputs
    .flatMap((name) => program.getSourceFile(name) ?? [])
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(
      ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  expect(complaints).toEqual([]);
});
