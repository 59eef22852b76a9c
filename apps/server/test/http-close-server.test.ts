import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { closeServer } from '../src/http/close-server.js';

it('answers what is under way, and ends a connection that its client would keep for ever', async () => {
  const server = createServer().listen(0);
  server.keepAliveTimeout = 0;
  const agent = new Agent({ keepAlive: true });
  const { port } = server.address() as AddressInfo;
  const answered = new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ port, agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asked.once('error', reject).end();
  });
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  let isCut = false;
  const closed = closeServer(server);
  response.once('close', () => {
    isCut = !response.writableFinished;
  });
  response.end('done');
  expect(await answered).toBe(200);
  // Cut after ten seconds, a connection would have been closed too; this one ends by itself.
  const cut = new Promise((resolve) => setTimeout(resolve, 5_000, 'still open').unref());
  expect(await Promise.race([closed, cut])).toBeUndefined();
  expect(isCut).toBe(false);
  agent.destroy();
});
