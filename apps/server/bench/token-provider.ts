// A provider that takes 50 ms for a token, as a process of its own: metadata and a token endpoint that rotates refresh
// tokens. It notes each refresh token that it sees, and how many requests were under way at once.
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerTasks } from './answer-tasks.js';

const ANSWER_MILLIS = 50;
/** As long as the access tokens that large providers issue. */
const ACCESS_TOKEN = randomBytes(750).toString('base64url');

const used = new Set<string>();
let issued = 0;
let requests = 0;
let duplicates = 0;
let underWay = 0;
let peak = 0;

const answer = (response: ServerResponse, body: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

const giveToken = (response: ServerResponse, form: URLSearchParams): void => {
  const refreshToken = form.get('refresh_token') ?? '';
  if (used.has(refreshToken)) duplicates += 1;
  used.add(refreshToken);
  issued += 1;
  answer(response, {
    token_type: 'Bearer',
    expires_in: 3600,
    access_token: ACCESS_TOKEN,
    refresh_token: `${randomBytes(24).toString('base64url')}${issued}`,
    scope: 'okta.users.read offline_access',
  });
};

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url !== '/oauth2/v1/token') {
    const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
    answer(response, {
      issuer,
      authorization_endpoint: `${issuer}/oauth2/v1/authorize`,
      token_endpoint: `${issuer}/oauth2/v1/token`,
      jwks_uri: `${issuer}/oauth2/v1/keys`,
      code_challenge_methods_supported: ['S256'],
    });
    return;
  }
  requests += 1;
  underWay += 1;
  peak = Math.max(peak, underWay);
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    setTimeout(() => {
      underWay -= 1;
      giveToken(response, new URLSearchParams(Buffer.concat(chunks).toString()));
    }, ANSWER_MILLIS);
  });
});

server.listen(0, 'localhost', () => {
  answerTasks({
    domain: () => `localhost:${(server.address() as AddressInfo).port}`,
    /** What there was since the last call. */
    counts: () => {
      const counts = { requests, duplicates, peak };
      requests = duplicates = peak = 0;
      return counts;
    },
  });
});
