import type { Connection } from '@authpipe/types';
import { beforeEach, expect, it } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import type { ConnectionFilter } from '../src/credentials/connection-store.js';
import { mountRoutes } from '../src/http/mount-routes.js';
import { problemResponse } from '../src/http/problem-response.js';
import { type Connections, connectionRoutes } from '../src/http/v1/connections.js';
import { credentialRoutes } from '../src/http/v1/credentials.js';
import { createLogger } from '../src/log/logger.js';

const seen: { filters: ConnectionFilter[]; reports: unknown[]; imports: number; kept: number } = {
  filters: [],
  reports: [],
  imports: 0,
  kept: 0,
};
beforeEach(() => {
  Object.assign(seen, { filters: [], reports: [], imports: 0, kept: 0 });
});

const found = { id: 'conn_1', tenantId: 'org_a' } as Connection;
const answer = async () => found;
const useCases: Connections = {
  getConnection: answer,
  updateMetadata: answer,
  refreshConnection: answer,
  checkConnection: answer,
  listConnections: async (filter) => {
    seen.filters.push(filter);
    return { data: [], nextCursor: null };
  },
  importConnection: async () => {
    seen.imports += 1;
    return found;
  },
  reportConnection: async (...report) => {
    seen.reports.push(report);
    return found;
  },
  deleteConnection: async (id) => ({ id, revokedAtProvider: true }),
};

const PUBLIC_URL = 'https://auth.example.com';

const app = express();
app.set('query parser', 'simple');
app.use(
  mountRoutes(
    [...connectionRoutes(useCases), ...credentialRoutes(async () => Promise.reject(new Error()), PUBLIC_URL)],
    {
      verifyApiKey: async () => ({ id: 'key_1', environment: 'test', scopes: ['admin'], tenantId: null }),
      allows: () => true,
      once: (_request, run) => {
        seen.kept += 1;
        return run();
      },
    },
  ),
  problemResponse(createLogger('silent'), PUBLIC_URL),
);
const authorization = 'Bearer key';

it('lists by a pair of metadata of any name', async () => {
  await request(app).get('/connections?metadata.__proto__=a&metadata.plan=b').set({ authorization });
  expect(Object.entries(seen.filters[0]?.metadata ?? {})).toEqual([
    ['__proto__', 'a'],
    ['plan', 'b'],
  ]);
});

it('keeps no credential for an Idempotency-Key', async () => {
  const batch = request(app).post('/credentials/batch').set({ authorization, 'idempotency-key': 'a1' });
  expect((await batch.send({ credentials: [{ connectionId: 'conn_1' }] })).status).toBe(200);
  expect(seen.kept).toBe(0);
});

it('tells by each problem of a batch where its page is', async () => {
  const batch = request(app).post('/credentials/batch').set({ authorization });
  const { body } = await batch.send({ credentials: [{ connectionId: 'conn_1' }] });
  expect(body.credentials[0].error.type).toBe('https://auth.example.com/docs/errors/internal_error');
});

it('passes on which version a report is about', async () => {
  await request(app)
    .post('/connections/conn_1/report')
    .set({ authorization })
    .send({ status: 401, version: 3 });
  expect(seen.reports).toEqual([['conn_1', 'test', 3]]);
});

it('imports no token that ended before there were any', async () => {
  const imported = request(app).post('/connections').set({ authorization });
  const { body } = await imported.send({
    provider: 'okta',
    tenantId: 'org_a',
    userId: 'user_1',
    credential: { accessToken: 'a', expiresAt: '0000-01-01T00:00:00Z' },
  });
  expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/credential/expiresAt' }] });
  expect(seen.imports).toBe(0);
});
