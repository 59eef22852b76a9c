import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '@authpipe/types';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { createMetrics } from '../src/metrics/create-metrics.js';
import { sharedLook } from '../src/metrics/shared-look.js';
import { ADMIN_KEY, type AuditedServer, startAuditedServer } from './support/audit-world.js';
import { recordingLog } from './support/connect-world.js';
import { describeEachEngine } from './support/databases.js';
import { type ShakenDatabase, shakenDatabase } from './support/shaken-database.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  connectUser,
  startNode,
  startTestOrg,
  type TestClock,
  testClock,
} from './support/world.js';

const docs = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../docs/${path}`, import.meta.url)), 'utf8');

/** All that a metric may be told apart by: none of these grows with customers. */
const LABELS = new Set([
  ...[
    'provider',
    'status',
    'reason',
    'operation',
    'result',
    'served_from',
    'method',
    'route',
    'job',
    'state',
  ],
  ...['le', 'quantile', 'type', 'kind', 'space', 'version', 'major', 'minor', 'patch'],
]);

const ALERTS = 'monitoring/prometheus-alerts.yml';

/** The expression of an alert. */
const ruleOf = (alert: string): string =>
  new RegExp(`alert: ${alert}\\s+expr: \\|?([\\s\\S]*?)(?:for|labels):`).exec(docs(ALERTS))?.[1] ?? '';

/** The series above 0 that the first selector of a rule takes, as Prometheus matches labels. */
const selected = (metrics: string, rule: string): string[] => {
  const [, name, matchers = ''] = /(authpipe_\w+)\{([^}]*)\}/.exec(rule) ?? [];
  const tests = [...matchers.matchAll(/(\w+)(=~?)"([^"]*)"/g)].map(
    ([, label, operator, text]) => new RegExp(`[{,]${label}="${operator === '=' ? text : `(?:${text})`}"`),
  );
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && Number(line.slice(line.lastIndexOf(' '))) > 0)
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .filter((series) => tests.every((test) => test.test(series)));
};

/** Whether the rule on jobs holds of one that runs every so often, when this share of its runs fails: as Prometheus counts. */
const jobsAlertFires = (everySeconds: number, failedShare: number): boolean => {
  const [, rule = ''] =
    /alert: AuthpipeJobsFail\s+expr: \|?([\s\S]*?)(?:for|labels):/.exec(docs(ALERTS)) ?? [];
  const counted = rule.replace(
    /sum by \(job\) \(increase\(authpipe_job_runs_total(\{result="failed"\})?\[(\d+)([mh])\]\)\)/g,
    (_all, failed: string | undefined, length: string, unit: string) => {
      const runs = Math.floor((Number(length) * (unit === 'h' ? 3_600 : 60)) / everySeconds);
      return String(failed ? runs * failedShare : runs);
    },
  );
  return counted.split(/\bor\b/).some((part) => {
    const [, above, below = 1, limit] =
      /^\s*([\d.]+)(?:\s*\/\s*([\d.]+))?\s*>\s*([\d.]+)\s*$/.exec(part) ?? [];
    if (above === undefined) throw new Error(`The rule can't be read: ${part}`);
    return Number(above) / Number(below) > Number(limit);
  });
};

describeEachEngine('the metrics', (open) => {
  let db: Database;
  let shaken: ShakenDatabase;
  let clock: TestClock;
  let server: AuditedServer;
  let org: Org;
  beforeEach(async () => {
    db = await open();
    clock = testClock();
    shaken = shakenDatabase(db);
    server = await startAuditedServer(shaken, clock);
    org = await startTestOrg(clock);
  });
  afterEach(async () => {
    shaken.setAway(false);
    await server.drain();
    await org.close();
    await db.close();
  });

  const scrape = async (): Promise<string> =>
    (await request(server.app).get('/metrics').set('authorization', `Bearer ${ADMIN_KEY}`)).text;
  const value = (text: string, series: string): number | undefined => {
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  /** A person's connection that can be refreshed. */
  const connect = async (): Promise<string> => {
    await server.call('put', '/integrations/okta', {
      ...{ provider: 'okta', clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
      config: { domain: new URL(org.url).host },
    });
    return (await connectUser(await startNode({ db, clock }), org, clock)).connection.id;
  };
  const requests = (operation: string, result: string) =>
    `authpipe_provider_requests_total{provider="okta",operation="${operation}",result="${result}"}`;

  it('tell what providers were asked for, how it went and how long it took', async () => {
    const id = await connect();
    await server.call('post', `/connections/${id}/refresh`);
    await server.call('post', `/connections/${id}/check`);
    org.control.revokeGrants({ all: true });
    await server.call('post', `/connections/${id}/refresh`);
    const text = await scrape();
    expect(value(text, requests('refresh', 'ok'))).toBe(1);
    expect(value(text, requests('refresh', 'revoked'))).toBeGreaterThanOrEqual(1);
    expect(value(text, requests('probe', 'ok'))).toBeGreaterThanOrEqual(1);
    const seconds = 'authpipe_provider_request_seconds_count{provider="okta",operation="refresh"}';
    expect(value(text, seconds)).toBeGreaterThanOrEqual(2);
    const state = 'authpipe_connections{provider="okta",status="needs_reconnect",reason="revoked"}';
    expect(value(text, state)).toBe(1);
  });

  it('tell how late refreshes are, until they are made', async () => {
    await connect();
    const overdue = async () => value(await scrape(), 'authpipe_refresh_overdue_seconds');
    expect(await overdue()).toBe(0);
    clock.move(3_600);
    expect(await overdue()).toBeGreaterThan(60);
    await server.work.find(({ name }) => name === 'refresh.sweep')?.run(clock.now());
    expect(await overdue()).toBe(0);
  });

  it('tell how many reads clients answer from memory', async () => {
    const { body: connection } = await server.importKey();
    const read = () => server.call('get', `/credentials?connectionId=${connection.id}`);
    await read().expect(200);
    await read().set('authpipe-uses', `${connection.id}=41`).expect(200);
    await server.tickAudit();
    const text = await scrape();
    expect(value(text, 'authpipe_credential_reads_total{served_from="server"}')).toBe(2);
    expect(value(text, 'authpipe_credential_reads_total{served_from="client_cache"}')).toBe(41);
  });

  it('count no reads of connections that the client can not see', async () => {
    const { body: connection } = await server.importKey();
    const { key: limited } = await server.apiKeys.createApiKey({
      ...{ environment: 'test', scopes: ['credentials:read'], tenantId: 'org_other', name: 'limited' },
    });
    const uses = `${connection.id}=41, conn_nobody=999999999`;
    for (const key of [ADMIN_KEY, limited])
      await server
        .call('get', '/credentials?connectionId=conn_nobody', undefined, key)
        .set('authpipe-uses', uses)
        .expect(404);
    await server.tickAudit();
    expect(value(await scrape(), 'authpipe_credential_reads_total{served_from="client_cache"}')).toBe(41);
  });

  it('tell of integrations whose OAuth client is refused, from the first refusal on', async () => {
    const id = await connect();
    const refused = 'authpipe_integrations{provider="okta",status="degraded",reason="client_secret_invalid"}';
    expect(value(await scrape(), refused)).toBeUndefined();
    expect(selected(await scrape(), ruleOf('AuthpipeClientRefused'))).toEqual([]);
    org.control.breakClientSecret();
    await server.call('post', `/connections/${id}/refresh`);
    expect(value(await scrape(), refused)).toBe(1);
    expect(selected(await scrape(), ruleOf('AuthpipeClientRefused'))).toEqual([refused]);
  });

  it('time requests by the pattern of their route, never by their address', async () => {
    const { body: connection } = await server.importKey();
    await server.call('get', `/connections/${connection.id}`).expect(200);
    await request(server.app).get('/planted-address?code=planted-code');
    const text = await scrape();
    const route = (name: string) => `authpipe_http_request_seconds_count{method="GET",route="${name}"}`;
    expect(value(text, route('/v1/connections/:id'))).toBe(1);
    expect(value(text, route('other'))).toBe(1);
    expect(text).not.toContain('planted');
  });

  it('have no label that names a tenant, a user or a connection', async () => {
    const id = await connect();
    await server.importKey({ tenantId: 'org_planted', userId: 'user_planted', label: 'planted_label' });
    await server.call('post', `/connections/${id}/check`);
    await server.call('post', '/webhook-endpoints', { url: 'https://planted.example.com/hooks' });
    const text = await scrape();
    for (const name of ['org_acme', 'user_123', id, 'planted']) expect(text).not.toContain(name);
    const labels = [...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label as string);
    expect([...new Set(labels)].filter((label) => !LABELS.has(label))).toEqual([]);
  });

  it('are told while the database is away, but for what is read from it, and say that it is', async () => {
    await server.call('post', `/connections/${await connect()}/refresh`);
    expect(value(await scrape(), 'authpipe_database_up')).toBe(1);
    shaken.setAway(true);
    // Longer than a key is remembered for everything else, and than connections are counted for.
    clock.move(3_600);
    const text = await scrape();
    expect(value(text, 'authpipe_database_up')).toBe(0);
    expect(value(text, requests('refresh', 'ok'))).toBe(1);
    expect(value(text, 'authpipe_refresh_frozen')).toBe(0);
    expect(value(text, 'authpipe_event_streams')).toBe(0);
    expect(text).toContain('process_resident_memory_bytes ');
    const read = ['refresh_overdue_seconds', 'audit_lag_seconds', 'webhook_lag_seconds', 'webhook_pending'];
    for (const name of read) expect(value(text, `authpipe_${name}`)).toBeUndefined();
    expect(text).not.toContain('authpipe_webhook_endpoints{');
    shaken.setAway(false);
    const again = await scrape();
    expect(value(again, 'authpipe_database_up')).toBe(1);
    expect(value(again, 'authpipe_refresh_overdue_seconds')).toBeGreaterThan(60);
  });

  it('tell webhook endpoints that were given up apart from those that a person paused', async () => {
    const hook = async () =>
      (await server.call('post', '/webhook-endpoints', { url: 'https://app.example.com/hooks' })).body.id;
    await server.call('patch', `/webhook-endpoints/${await hook()}`, { enabled: false });
    const failed = await hook();
    await db.query(
      'test_given_up',
      "UPDATE webhook_endpoints SET enabled = false, disabled_reason = 'failing' WHERE id = $1",
      [failed],
    );
    const text = await scrape();
    const states = ['enabled', 'paused', 'given_up'].map((state) =>
      value(text, `authpipe_webhook_endpoints{state="${state}"}`),
    );
    expect(states).toEqual([0, 1, 1]);
  });

  it('count the runs of each job from 0 on, and an alert tells of every job that fails, however seldom it runs', async () => {
    const text = await scrape();
    for (const { name, everySeconds } of server.work) {
      for (const result of ['ok', 'failed'])
        expect(value(text, `authpipe_job_runs_total{job="${name}",result="${result}"}`)).toBe(0);
      expect([name, jobsAlertFires(everySeconds, 1)]).toEqual([name, true]);
      expect([name, jobsAlertFires(everySeconds, 0)]).toEqual([name, false]);
    }
    const rarest = Math.max(...server.work.map(({ everySeconds }) => everySeconds));
    expect(jobsAlertFires(rarest, 0.2)).toBe(false);
  });

  it('have an alert on endpoints that were given up, and none on those that a person paused', () => {
    const states = [...docs(ALERTS).matchAll(/authpipe_webhook_endpoints\{state="(\w+)"\}/g)];
    expect(states.map(([, state]) => state)).toEqual(['given_up']);
  });

  it('are all in the docs, and the docs, the dashboard and the alerts have none that is not there', async () => {
    const text = await scrape();
    const there = [...text.matchAll(/^# TYPE (authpipe_\w+) /gm)].map(([, name]) => name as string);
    const named = (file: string) => [
      ...new Set(
        [...docs(file).matchAll(/\bauthpipe_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, '')),
      ),
    ];
    expect(named('monitoring.md').sort()).toEqual(there.sort());
    for (const file of ['monitoring/grafana-dashboard.json', ALERTS]) {
      expect(named(file).filter((name) => !there.includes(name))).toEqual([]);
    }
    // What an operator would see first: nothing of the metrics is left out of the dashboard.
    expect(there.filter((name) => !named('monitoring/grafana-dashboard.json').includes(name))).toEqual([]);
    const alerts = [...docs(ALERTS).matchAll(/alert: (\w+)/g)].map(([, name]) => name);
    expect([...docs('monitoring.md').matchAll(/^\| `(Authpipe\w+)`/gm)].map(([, name]) => name)).toEqual(
      alerts,
    );
  });

  it('leave a line in the log that is found by the request’s id and the caller’s trace', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const ask = (traceparent: string) =>
      server
        .call('get', '/connections/conn_nobody')
        .set({ traceparent, 'x-request-id': `planted-${traceparent.slice(-2)}` });
    await ask(`00-${traceId}-00f067aa0ba902b7-01`);
    await ask(`00-${'0'.repeat(32)}-00f067aa0ba902b7-02`);
    await ask(`not-a-trace-${traceId}-03`);
    const line = (id: string) =>
      server
        .logText()
        .split('\n')
        .find((each) => each.includes(`"requestId":"${id}"`)) ?? '';
    expect(JSON.parse(line('planted-01'))).toMatchObject({ trace_id: traceId, status: 404 });
    expect(line('planted-02')).not.toContain('trace_id');
    expect(line('planted-03')).not.toContain('trace_id');
  });

  it('leave the name of the job in every line of the log that recurring work writes', async () => {
    await connect();
    org.control.failNext({ kind: 'server_error' });
    clock.move(3_600);
    const before = server.logText().length;
    await server.work.find(({ name }) => name === 'refresh.sweep')?.run(clock.now());
    const lines = server
      .logText()
      .slice(before)
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.join('\n')).toContain('refresh failed');
    expect(lines.map((line) => JSON.parse(line).job)).toEqual(lines.map(() => 'refresh.sweep'));
  });
});

it('metrics do not wait for a database that stands still, and tell the log so once', async () => {
  const { lines, log } = recordingLog();
  const { registry, watch } = createMetrics();
  const never = () => new Promise<never>(() => {});
  watch(
    {
      ...{
        ping: never,
        countConnections: never,
        countIntegrations: never,
        readDueWork: never,
        readAuditLag: never,
      },
      ...{ webhookFigures: never, webhookResults: () => new Map([['delivered', 9]]) },
      ...{ isRefreshFrozen: () => true, eventDelivery: () => ({ isListening: true, streams: 0 }) },
    },
    { log, patienceMillis: 1 },
  );
  for (const _scrape of [1, 2]) {
    const text = await registry.metrics();
    expect(text).toContain('authpipe_database_up 0\n');
    expect(text).toContain('authpipe_refresh_frozen 1\n');
    expect(text).toContain('authpipe_webhook_deliveries_total{result="delivered"} 9\n');
  }
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: expect.stringMatching(/^DeadlineError at deadline\.[jt]s:\d+:\d+$/),
  });
});

it('alert of a refused client for an integration alone, and of errors for failures of Authpipe alone', async () => {
  const { registry, observeProviderRequest, observeHttpRequest } = createMetrics();
  const typed = { provider: 'crowdstrike', operation: 'client_credentials', seconds: 1 } as const;
  observeProviderRequest({ ...typed, result: 'client_secret_invalid' });
  for (const { status } of Object.values(ERROR_CODES))
    observeHttpRequest({ method: 'GET', route: 'other', status, seconds: 1 });
  const text = await registry.metrics();
  expect(selected(text, ruleOf('AuthpipeClientRefused'))).toEqual([]);
  expect(selected(text, ruleOf('AuthpipeErrors'))).toEqual([
    'authpipe_http_requests_total{method="GET",status="500"}',
  ]);
});

describe('a look that is shared', () => {
  it('is one for all who ask at the same time and for a while after, and is made again when it failed', async () => {
    let [looks, nowMillis, fails] = [0, 0, true];
    const look = sharedLook(
      async () => {
        looks += 1;
        if (fails) throw new Error('away');
        return looks;
      },
      { forMillis: 60, nowMillis: () => nowMillis },
    );
    await expect(look()).rejects.toThrow('away');
    fails = false;
    expect(await Promise.all([look(), look()])).toEqual([2, 2]);
    nowMillis = 59;
    expect(await look()).toBe(2);
    nowMillis = 60;
    expect(await look()).toBe(3);
  });
});
