import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Authpipe, AuthpipeError, type CredentialRef } from '../src/index.js';
import { API_KEY, batchOf, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';

const refOf = (user: number): CredentialRef => ({
  provider: 'okta',
  tenantId: 'org_acme',
  userId: `user_${user}`,
});

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, stream: false });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const refuse = () => {
  server.answer = (request) => {
    const refusal = problem(404, 'connection_not_found', { connectionId: 'conn_1' });
    return request.path.endsWith('/batch') ? batchOf(request, () => refusal) : refusal;
  };
};

/** The line of this file that an error shows first; without one, the line that asks. */
const line = (error: Error = new Error('here')): string | undefined => {
  const [first, second] = (error.stack ?? '').matchAll(/caller-stack\.test\.ts:(\d+):/g);
  return (error.message === 'here' ? second : first)?.[1];
};

const errorOf = async (call: Promise<unknown>): Promise<AuthpipeError> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AuthpipeError) return error;
  throw new Error('It did not reject with an AuthpipeError.');
};

it('each of those whose misses went out together gets an error of its own, with its own line', async () => {
  refuse();
  // No await: a caller that hands the promise on has no frame left when the answer comes.
  const reads = [
    [line(), errorOf(client.getCredential(refOf(1)))] as const,
    [line(), errorOf(client.getCredential(refOf(2)))] as const,
    [line(), errorOf(client.getCredential(refOf(1)))] as const,
  ];
  const errors = await Promise.all(reads.map(([, error]) => error));
  expect(server.requests).toHaveLength(1);
  expect(errors.map((error) => line(error))).toEqual(reads.map(([own]) => own));
  expect(new Set(errors.map((error) => line(error))).size).toBe(3);
  expect(new Set(errors).size).toBe(3);
  for (const error of errors) {
    expect(error).toMatchObject({
      ...{ name: 'AuthpipeError', code: 'connection_not_found', status: 404, retryable: false },
      ...{ connectionId: 'conn_1', requestId: 'req_1', message: 'This is connection_not_found.' },
    });
    expect(error.stack).toMatch(/^AuthpipeError: This is connection_not_found\.\n {4}at /);
    expect(Object.keys(error)).not.toContain('stack');
  }
});

it.each<[string, (authpipe: Authpipe) => Promise<unknown>]>([
  ['a read that waits for the word of the server', (authpipe) => authpipe.getCredential(refOf(1))],
  ['a read with options', (authpipe) => authpipe.getCredential(refOf(1), { minValidity: 60 })],
  ['a call of the API', (authpipe) => authpipe.fetch(refOf(1), '/users')],
  ['a look at a connection', (authpipe) => authpipe.getConnection('conn_1')],
  ['a connect session', (authpipe) => authpipe.createConnectSession({ tenantId: 'o', userId: 'u' })],
  ['a deletion', (authpipe) => authpipe.deleteConnection('conn_1')],
  ['a preload', (authpipe) => authpipe.preload({ tenantId: 'org_acme' })],
  ['the first page of a list', (authpipe) => authpipe.listConnections().next()],
  [
    'a webhook',
    (authpipe) => authpipe.verifyProviderWebhook({ connectionId: 'conn_1' }, { headers: {}, body: '' }),
  ],
])('%s that fails shows the line that made it', async (_name, call) => {
  server.answer = () => ({ json: credential() });
  await client.getCredential(refOf(1));
  clock.advanceSeconds(61);
  refuse();
  const [own, error] = [line(), errorOf(call(client))];
  const shown = [...((await error).stack ?? '').matchAll(/caller-stack\.test\.ts:(\d+):/g)];
  // Its own line, called from here.
  expect(shown.map(([, place]) => place)).toContain(own);
});

it('a signal’s own reason stays what it is', async () => {
  server.answer = () => 'hang';
  const giveUp = new AbortController();
  const read = client.getCredential(refOf(1), { signal: giveUp.signal });
  const reason = new Error('enough');
  giveUp.abort(reason);
  await expect(read).rejects.toBe(reason);
});
