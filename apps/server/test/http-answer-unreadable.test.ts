import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { answerUnreadable } from '../src/http/answer-unreadable.js';
import { systemRandomness } from '../src/randomness.js';

const server = createServer((_request, response) => response.end('answered'));
server.on('clientError', answerUnreadable(systemRandomness, 'https://auth.example.com'));
beforeAll(async () => {
  await once(server.listen(0), 'listening');
});
afterAll(() => {
  server.close();
});

it.each([
  ['what is no HTTP', 'planted\r\n\r\n', 'send HTTP/1.1'],
  [
    'headers beyond all measure',
    `GET / HTTP/1.1\r\nHost: a\r\nX-Large: planted${'a'.repeat(20_000)}\r\n\r\n`,
    '16 KiB',
  ],
])('answers %s with a problem document, and repeats nothing of it', async (_what, sent, detail) => {
  const socket = connect((server.address() as AddressInfo).port);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.write(sent);
  await once(socket, 'close');
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toContain('HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json');
  const problem = JSON.parse(body);
  expect(problem).toMatchObject({
    type: 'https://auth.example.com/docs/errors/invalid_request',
    code: 'invalid_request',
    status: 400,
  });
  expect(problem.detail).toContain(detail);
  expect(head).toContain(`X-Request-Id: ${problem.requestId}`);
  expect(answer).not.toContain('planted');
});
