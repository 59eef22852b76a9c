import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Authpipe, type Credential } from '../src/index.js';
import { API_KEY, credential, HttpServer } from './http-server.js';
import { ManualClock } from './manual-clock.js';

const WHOLE = credential({
  ...{ credential: 'secret-token', kind: 'basic', fields: { username: 'ada', password: 'secret-password' } },
  headers: { authorization: 'Basic secret-header' },
});

let server: HttpServer;
let client: Authpipe;
let read: Credential;

beforeEach(async () => {
  server = await HttpServer.start();
  server.answer = () => ({ json: WHOLE });
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock: new ManualClock(), stream: false });
  read = await client.getCredential({ connectionId: 'conn_1' });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

it.each<[string, (value: Credential) => string]>([
  ['console.log', (value) => inspect(value)],
  ['console.log of what holds it', (value) => inspect({ job: { value } }, { depth: 9 })],
  ['console.log with hidden fields', (value) => inspect(value, { showHidden: true })],
  ['JSON.stringify', (value) => JSON.stringify(value)],
  ['JSON.stringify of what holds it', (value) => JSON.stringify([{ value }])],
])('%s shows what a credential is of, and none of its secrets', (_name, print) => {
  const printed = print(read);
  expect(printed).toContain('conn_1');
  expect(printed).toContain('ada@example.com');
  expect(printed).toContain('authorization');
  expect(printed).toContain('{ ...credential } has it');
  expect(printed).not.toContain('secret-');
});

it('a credential is a plain object all the same: equal, spread, cloned', () => {
  expect(read).toEqual(WHOLE);
  expect(read).toStrictEqual(WHOLE);
  assert.deepEqual(read, WHOLE);
  expect(Object.keys(read)).toEqual(Object.keys(WHOLE));
  expect(structuredClone(read)).toStrictEqual(WHOLE);
});

it('who means to pass it on spreads it', () => {
  expect(JSON.parse(JSON.stringify({ ...read }))).toStrictEqual(WHOLE);
});
