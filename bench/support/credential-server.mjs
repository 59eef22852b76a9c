import { createServer } from 'node:http';

const credentialOf = ({ userId, tenantId }) => ({
  credential: `token-of-${userId}`,
  kind: 'oauth2',
  tokenType: 'Bearer',
  headers: { authorization: `Bearer token-of-${userId}` },
  expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  refreshAfter: new Date(Date.now() + 3_300_000).toISOString(),
  scopes: ['okta.users.read'],
  connectionId: `conn_${tenantId}_${userId}`,
  version: 1,
  status: 'healthy',
  reason: null,
  account: null,
  baseUrl: 'https://acme.okta.com',
});

/** Answers one credential and many as Authpipe does, and has no event stream. `requests()`: how many for credentials. */
export const startCredentialServer = async () => {
  let requests = 0;
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    if (pathname === '/v1/events') return response.writeHead(404).end();
    requests += 1;
    let text = '';
    for await (const chunk of request) text += chunk;
    const answer =
      request.method === 'POST'
        ? { credentials: JSON.parse(text).credentials.map((ref) => ({ credential: credentialOf(ref) })) }
        : credentialOf(Object.fromEntries(searchParams));
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests: () => requests,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
};
