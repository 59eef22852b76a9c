import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createGuardedFetch, FetchError } from '../src/oauth/guarded-fetch.js';
import { isLoopbackAddress, isPublicAddress } from '../src/oauth/public-address.js';
import { recordingLog } from './support/connect-world.js';

let port = 0;
let hits = 0;
const server = createServer((request, response) => {
  hits += 1;
  if (request.url === '/moved') response.writeHead(302, { location: '/x' });
  response.end('{"here":true}');
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const { log, lines } = recordingLog();
const resolvesTo =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

const ask = (url: string, options: Partial<Parameters<typeof createGuardedFetch>[0]> = {}) =>
  createGuardedFetch({ allowLoopback: false, log, ...options })({ url, method: 'GET', headers: {} });

const failureOf = async (request: Promise<unknown>) => {
  const error = await request.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof FetchError ? error.failure : error;
};

describe('the guarded fetch', () => {
  it.each([
    'https://127.0.0.1/x',
    'https://10.0.0.1/x',
    'https://169.254.169.254/latest/meta-data',
    'https://192.168.1.1/x',
    'https://100.64.0.1/x',
    'https://[::1]/x',
    'https://[fe80::1]/x',
    'https://[fd00::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://[64:ff9b::a00:1]/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
  ])('refuses the address %s', async (url) => {
    expect(await failureOf(ask(url))).toBe('forbidden');
  });

  it('refuses a name that resolves to a private address, at connect time', async () => {
    const resolve = resolvesTo('127.0.0.1');
    expect(await failureOf(ask(`https://provider.test:${port}/x`, { resolve }))).toBe('forbidden');
    expect(hits).toBe(0);
  });

  it('refuses a name of which one address is private: the socket could take that one', async () => {
    const resolve = resolvesTo('93.184.216.34', '10.0.0.1');
    expect(await failureOf(ask('https://provider.test/x', { resolve }))).toBe('forbidden');
  });

  it('refuses plain HTTP, loopback and credentials in the URL', async () => {
    expect(await failureOf(ask('http://provider.test/x'))).toBe('forbidden');
    expect(await failureOf(ask(`http://localhost:${port}/x`))).toBe('forbidden');
    expect(await failureOf(ask('https://user:pass@provider.test/x'))).toBe('forbidden');
    expect(hits).toBe(0);
  });

  it('connects to the address that it checked: DNS is asked once, so that a second answer can not differ', async () => {
    const answers = ['127.0.0.1', '10.0.0.1'];
    const resolve = async () => [{ address: answers.shift() ?? '10.0.0.1', family: 4 }];
    const answer = await ask(`http://localhost:${port}/x`, { allowLoopback: true, resolve });
    expect(answer).toMatchObject({ status: 200, body: { here: true } });
    expect(answers).toEqual(['10.0.0.1']);
  });

  it('reaches loopback in development, by loopback names alone', async () => {
    const answer = await ask(`http://localhost:${port}/x`, { allowLoopback: true });
    expect(answer).toMatchObject({ status: 200, body: { here: true } });
    const disguised = { allowLoopback: true, resolve: resolvesTo('127.0.0.1') };
    expect(await failureOf(ask(`http://provider.test:${port}/x`, disguised))).toBe('forbidden');
    expect(await failureOf(ask(`https://provider.test:${port}/x`, disguised))).toBe('forbidden');
    const strayed = { allowLoopback: true, resolve: resolvesTo('10.0.0.1') };
    expect(await failureOf(ask(`http://localhost:${port}/x`, strayed))).toBe('forbidden');
  });

  it('takes nothing from an answer that redirects', async () => {
    expect(await failureOf(ask(`http://localhost:${port}/moved`, { allowLoopback: true }))).toBe('redirect');
  });

  it('calls an unreachable host a network failure', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    expect(await failureOf(ask('https://provider.test/x', { resolve }))).toBe('network');
  });

  it('logs hosts, and neither paths nor queries', async () => {
    await ask(`http://localhost:${port}/path?code=planted`, { allowLoopback: true });
    expect(lines.join('')).toContain(`localhost:${port}`);
    expect(lines.join('')).not.toMatch(/planted|\/path/);
  });
});

describe('addresses', () => {
  it('are public when the internet routes them', () => {
    for (const address of ['93.184.216.34', '2606:4700::1111']) expect(isPublicAddress(address)).toBe(true);
    for (const address of ['0.0.0.0', '255.255.255.255', '2002:a00:1::', '2001:db8::1', '198.18.0.1', 'x']) {
      expect(isPublicAddress(address)).toBe(false);
    }
  });

  it('are loopback by either family’s number', () => {
    for (const address of ['127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(isLoopbackAddress(address)).toBe(true);
    for (const address of ['10.0.0.1', '0.0.0.0', 'localhost'])
      expect(isLoopbackAddress(address)).toBe(false);
  });
});

it('says in the log whom it asked', async () => {
  for (const whom of [undefined, 'a webhook endpoint'])
    await createGuardedFetch({ allowLoopback: true, log, ...(whom === undefined ? {} : { whom }) })({
      ...{ url: `http://localhost:${port}/x`, method: 'POST', headers: {}, body: 'x' },
    });
  expect(lines.slice(-2).map((line) => JSON.parse(line).msg)).toEqual([
    'asked the provider',
    'asked a webhook endpoint',
  ]);
});

describe('the moment at which a request leaves', () => {
  const askWhen = (onDeparture: () => void) =>
    createGuardedFetch({ allowLoopback: true, log })({
      url: `http://localhost:${port}/x`,
      method: 'POST',
      headers: {},
      body: 'x',
      onDeparture,
    });

  it('is told once, before the provider sees anything', async () => {
    const seen: number[] = [];
    const before = hits;
    await askWhen(() => void seen.push(hits - before));
    expect(seen).toEqual([0]);
    expect(hits - before).toBe(1);
  });

  it('is the last at which the sender can keep it back', async () => {
    const before = hits;
    const refused = askWhen(() => {
      throw new Error('not any more');
    });
    expect(await failureOf(refused)).toBe('network');
    expect(hits).toBe(before);
  });
});
