import express from 'express';
import request from 'supertest';
import { createApiKeys } from '../../src/access/api-key-store.js';
import { createAudit } from '../../src/audit/create-audit.js';
import type { FindTenants } from '../../src/audit/reported-uses.js';
import { compose } from '../../src/compose.js';
import { readConfig } from '../../src/config/read-config.js';
import { findTenantsOfConnections } from '../../src/credentials/tenants-of-connections.js';
import type { Database } from '../../src/db/database.js';
import { createDatabaseClock } from '../../src/db/database-clock.js';
import type { Deployment } from '../../src/deployment/deployment.js';
import { createMetrics } from '../../src/metrics/create-metrics.js';
import { systemRandomness } from '../../src/randomness.js';
import { openVault } from '../../src/vault/open-vault.js';
import { rootKeyOf } from '../../src/vault/root-key.js';
import { recordingLog } from './connect-world.js';
import { plantIdentity, type TestClock, testClock } from './world.js';

/** The same that `startNode` of `world.ts` has. */
export const ROOT_KEY = Buffer.alloc(32, 7);
export const ADMIN_KEY = 'ap_test_plantedadminkey0123456789abcdef';
const RETENTION_DAYS = 30;
/** Long enough for whoever is waited for to get on. */
const MOMENT_MILLIS = 5;

/** The audit of one replica, without the rest of the server. */
export const startAudit = async (db: Database, clock: TestClock = testClock()) => {
  const randomness = systemRandomness;
  const vault = await openVault({ db, rootKeys: [rootKeyOf(ROOT_KEY)], clock, randomness });
  const { log, lines } = recordingLog();
  const findTenants: FindTenants = (...given) => findTenantsOfConnections(db, ...given);
  const audit = createAudit({
    db,
    vault,
    clock,
    randomness,
    log,
    retentionDays: RETENTION_DAYS,
    findTenants,
  });
  return { ...audit, logText: () => lines.join('\n') };
};

/** The whole server on a database and a clock of the test's own, with an admin's key. */
export const startAuditedServer = async (db: Database, clock: TestClock = testClock()) => {
  const config = readConfig({
    AUTHPIPE_URL: 'http://localhost:4600',
    AUTHPIPE_ENCRYPTION_KEY: ROOT_KEY.toString('base64'),
    AUTHPIPE_DEV_ALLOW_LOOPBACK: '1',
    AUTHPIPE_AUDIT_RETENTION_DAYS: String(RETENTION_DAYS),
    AUTHPIPE_TRUSTED_PROXIES: '1',
  });
  const randomness = systemRandomness;
  const monotonicMillis = () => clock.now().getTime();
  const { log, lines } = recordingLog();
  const databaseClock = { ...createDatabaseClock({ db, clock, monotonicMillis }), now: clock.now };
  const vault = await openVault({ db, rootKeys: [rootKeyOf(ROOT_KEY)], clock, randomness });
  const apiKeys = createApiKeys({ db, clock, randomness });
  const { id: adminId } = await apiKeys.ensureBootKey(ADMIN_KEY);
  const proof = await plantIdentity(db);
  const deployment: Deployment = {
    isFrozen: () => false,
    state: () => ({ deploymentId: 'dep_test', refresh: 'running', reason: null, detail: null }),
    proof,
    provenanceOf: () => 'own',
    tick: async () => {},
    close: async () => {},
  };
  const metrics = createMetrics();
  const composition = compose({
    ...{ metrics, config, db, vault, apiKeys, deployment, monotonicMillis, log, randomness },
    wallMillis: monotonicMillis,
    clock: databaseClock,
    sleep: (millis) =>
      new Promise((resolve) => {
        setTimeout(resolve, Math.min(millis, MOMENT_MILLIS)).unref();
      }),
    version: 'test',
    webFolder: '/nowhere',
  });
  await composition.heartbeat.beat();
  const app = express().set('trust proxy', 1).use(composition.app);
  const audit = await startAudit(db, clock);

  const call = (
    method: 'get' | 'post' | 'put' | 'patch' | 'delete',
    path: string,
    body?: object,
    key = ADMIN_KEY,
  ) => {
    const sent = request(app)
      [method](`/v1${path}`)
      .set({
        authorization: `Bearer ${key}`,
        'user-agent': 'planted-agent/1.0',
        'x-forwarded-for': '203.0.113.7',
        'authpipe-instance': 'inst_1',
      });
    return body === undefined ? sent : sent.send(body);
  };
  /** Lets what was counted become entries, and all entries find their place. */
  const settle = async (): Promise<void> => {
    await composition.tickAudit();
    clock.move(90);
    await composition.tickAudit();
    clock.move(10);
    await composition.tickAudit();
  };

  return {
    ...composition,
    app,
    apiKeys,
    audit,
    clock,
    adminId,
    call,
    settle,
    logText: () => lines.join('\n'),
    /** All entries, oldest first. */
    entries: async () => {
      await settle();
      const all = [];
      for (let cursor: string | null = null; ; ) {
        const page = await audit.list('test', {}, { cursor, limit: 500 });
        all.push(...page.data);
        cursor = page.nextCursor;
        if (cursor === null) return all.reverse();
      }
    },
    importKey: (more: object = {}) =>
      call('post', '/connections', {
        ...{ provider: 'jumpcloud', tenantId: 'org_acme', userId: 'user_123' },
        ...{
          credential: { apiKey: 'planted-api-key' },
          config: { region: 'console.jumpcloud.com' },
          ...more,
        },
      }),
  };
};

export type AuditedServer = Awaited<ReturnType<typeof startAuditedServer>>;
