import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { createLogger } from '../src/log/logger.js';
import type { OAuth, TokenGrant } from '../src/oauth/oauth.js';
import { createSpool, type KeptAnswer } from '../src/refresh/spool.js';
import { describeEachEngine } from './support/databases.js';
import { shakenDatabase } from './support/shaken-database.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  orgAnswers,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;

const lines: string[] = [];
const log = createLogger(
  'debug',
  new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) }),
);
const newFolder = (): string => join(mkdtempSync(join(tmpdir(), 'authpipe-spool-')), 'spool');
const filesIn = (folder: string): string[] => readdirSync(folder).sort();

describeEachEngine('an answer that comes while the database is away', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const pass = async (seconds: number, ...beating: TestNode[]) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.move(1);
      for (const living of beating) await living.nodes.beat();
    }
  };
  const refreshedEvents = async (id: string) =>
    (await eventsOf(node, id)).filter((type) => type === 'credential.refreshed').length;

  /** A process whose database goes away as the provider answers, and has answered once. */
  const startCutOff = async (spoolFolder = newFolder()) => {
    const shaken = shakenDatabase(db);
    const answers: TokenGrant[] = [];
    const cutOff = await startNode({
      db: shaken,
      clock,
      log,
      spoolFolder,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => {
          const answer = await oauth.renew(...given);
          answers.push(answer);
          shaken.setAway(true);
          return answer;
        },
      }),
    });
    clock.move(DUE_SECONDS);
    await pass(5, node);
    expect(await sweep(cutOff)).toBe(1);
    const [answer] = answers;
    if (!answer) throw new Error('the org gave no answer');
    return { cutOff, shaken, spoolFolder, answer };
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock, log });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    lines.length = 0;
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('lies in a file for the server’s user alone, and nobody can read a token in it', async () => {
    const { id } = await connect();
    const { spoolFolder, answer } = await startCutOff();
    expect(filesIn(spoolFolder)).toEqual([`${id}.1.json`]);
    const path = join(spoolFolder, `${id}.1.json`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(spoolFolder).mode & 0o777).toBe(0o700);
    const text = readFileSync(path, 'utf8');
    const { envelope } = JSON.parse(text) as { envelope: string };
    const everything = [text, Buffer.from(envelope, 'base64').toString('latin1'), ...lines].join('\n');
    for (const token of [answer.accessToken, answer.refreshToken ?? '']) {
      expect(token.length).toBeGreaterThan(10);
      expect(everything.includes(token)).toBe(false);
    }
  });

  it('is written when the database is back, with one event, and its file is gone', async () => {
    const { id, read } = await connect();
    const { cutOff, shaken, spoolFolder, answer } = await startCutOff();
    expect(await cutOff.spool.drain()).toBe(1);
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy', credential: answer.accessToken });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
    expect(filesIn(spoolFolder)).toEqual([]);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it('is written at the next start, after the first process died, once the lease of that one is free', async () => {
    const { id, read } = await connect();
    const { spoolFolder, answer } = await startCutOff();
    const next = await startNode({ db, clock, log, spoolFolder });
    await next.nodes.beat();
    expect(await next.spool.drain()).toBe(1);
    expect(filesIn(spoolFolder)).toEqual([`${id}.1.json`]);
    await pass(4, node, next);
    expect(await next.spool.drain()).toBe(0);
    expect(filesIn(spoolFolder)).toEqual([]);
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, credential: answer.accessToken });
    expect(await orgAnswers(org, credential)).toBe(200);
    clock.move(DUE_SECONDS);
    await sweep(next);
    expect(await read()).toMatchObject({ version: 3, status: 'healthy' });
    expect(org.control.counters()).toMatchObject({ refreshRequests: 2, familyRevocations: 0 });
  });

  it('is written instead of a refresh by whoever claims before the next beat, however long the outage was', async () => {
    const { id, read } = await connect();
    const { cutOff, shaken, spoolFolder, answer } = await startCutOff();
    await pass(90, node);
    shaken.setAway(false);
    expect(await sweep(cutOff)).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy', credential: answer.accessToken });
    expect(filesIn(spoolFolder)).toEqual([]);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it('is written instead of a refresh by the process that starts on the folder, though it has not beaten yet', async () => {
    const { read } = await connect();
    const { spoolFolder, answer } = await startCutOff();
    await pass(90, node);
    const next = await startNode({ db, clock, log, spoolFolder, isBeating: () => false });
    expect(await sweep(next)).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy', credential: answer.accessToken });
    expect(filesIn(spoolFolder)).toEqual([]);
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
  });

  it.each([
    ['introspection', (oauth: OAuth) => oauth],
    ['no introspection', (oauth: OAuth): OAuth => ({ ...oauth, introspect: async () => null })],
  ])('is waited for by others that saw the outage too, from its end (%s)', async (_what, withOAuth) => {
    const { id, read } = await connect();
    const awayToo = shakenDatabase(db);
    const other = await startNode({ db: awayToo, clock, log, withOAuth, isBeating: () => false });
    await other.nodes.beat();
    const { cutOff, shaken, answer } = await startCutOff();
    awayToo.setAway(true);
    for (let second = 0; second < 90; second += 1) {
      clock.move(1);
      await other.nodes.beat().catch(() => undefined);
    }
    awayToo.setAway(false);
    // Before its first beat, and after.
    await sweep(other);
    await pass(6, other);
    await sweep(other);
    expect(await eventsOf(node, id)).toEqual(['connection.created']);
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, familyRevocations: 0 });
    shaken.setAway(false);
    await cutOff.nodes.beat();
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy', credential: answer.accessToken });
  });

  it('is dropped where the person connected anew meanwhile', async () => {
    const { id, userId, read } = await connect();
    const { cutOff, shaken, spoolFolder } = await startCutOff();
    await connectUser(node, org, clock, { userId });
    const fresh = await read();
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toEqual(fresh);
    expect(filesIn(spoolFolder)).toEqual([]);
    expect(await refreshedEvents(id)).toBe(0);
  });

  it('is dropped where another process has refreshed meanwhile', async () => {
    const { id, read } = await connect();
    const { cutOff, shaken, spoolFolder } = await startCutOff();
    await pass(4, node);
    expect(await sweep()).toBe(1);
    const winner = await read();
    expect(winner.version).toBe(2);
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toEqual(winner);
    expect(filesIn(spoolFolder)).toEqual([]);
    expect(await refreshedEvents(id)).toBe(1);
  });

  it('is dropped where the connection was deleted meanwhile', async () => {
    await connect();
    const { cutOff, shaken, spoolFolder } = await startCutOff();
    await db.query('test_clear', 'DELETE FROM connections', []);
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(filesIn(spoolFolder)).toEqual([]);
  });

  it('waits while another process refreshes, and is settled after', async () => {
    const { id, read } = await connect();
    const { cutOff, shaken, spoolFolder, answer } = await startCutOff();
    await pass(4, node);
    const place = { connectionId: id, environment: ENVIRONMENT };
    const claim = await node.refreshes.claimRefresh(place, { force: true });
    if (!claim) throw new Error('the lease is not free');
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(1);
    expect(filesIn(spoolFolder)).toHaveLength(1);
    await node.refreshes.releaseRefreshes([claim]);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toMatchObject({ version: 2, credential: answer.accessToken });
  });

  it('is left where it is and told, when its file can not be read', async () => {
    const { read } = await connect();
    const spoolFolder = newFolder();
    mkdirSync(spoolFolder);
    writeFileSync(join(spoolFolder, 'conn_torn.1.json'), '{"connectionId":"conn_torn","ver');
    const { cutOff, shaken } = await startCutOff(spoolFolder);
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toMatchObject({ version: 2 });
    expect(filesIn(spoolFolder)).toEqual(['conn_torn.1.json']);
    const told = lines.filter((line) => line.includes('a kept token answer can not be read'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('conn_torn.1.json');
  });

  it('is kept in memory alone where the disk refuses it, says so, and is written all the same', async () => {
    const { read } = await connect();
    const spoolFolder = newFolder();
    writeFileSync(spoolFolder, 'a file in the place of the folder');
    const { cutOff, shaken, answer } = await startCutOff(spoolFolder);
    expect(lines.filter((line) => line.includes('kept in memory alone'))).toHaveLength(1);
    expect(await cutOff.spool.drain()).toBe(1);
    shaken.setAway(false);
    expect(await cutOff.spool.drain()).toBe(0);
    expect(await read()).toMatchObject({ version: 2, credential: answer.accessToken });
  });
});

describeEachEngine('an answer that comes while the database stands still', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));

  /** A process whose database stands still as the provider answers. */
  const startHanging = async (more: Partial<TokenGrant> = {}) => {
    const shaken = shakenDatabase(db);
    const spoolFolder = newFolder();
    const hanging = await startNode({
      db: shaken,
      clock,
      log,
      spoolFolder,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => {
          const answer = await oauth.renew(...given);
          shaken.setHanging(true);
          return { ...answer, ...more };
        },
      }),
    });
    return { hanging, shaken, spoolFolder };
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock, log });
    await setUpIntegration(node, org);
  });
  beforeEach(() => db.query('test_clear', 'DELETE FROM connections', []));
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is kept in a file within moments, and written once when it goes on, by whichever statement comes first', async () => {
    const { id, read } = await connect();
    const { hanging, shaken, spoolFolder } = await startHanging();
    clock.move(DUE_SECONDS);
    await hanging.refresh.sweepDueRefreshes(clock.now());
    expect(filesIn(spoolFolder)).toEqual([`${id}.1.json`]);
    shaken.setHanging(false);
    expect(await hanging.spool.drain()).toBe(0);
    expect(filesIn(spoolFolder)).toEqual([]);
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
  });

  it('is kept before a lifetime is learned from it: nothing is written ahead of it', async () => {
    const { id } = await connect({ expiresAt: null });
    await db.query('test_suspect', `UPDATE credentials SET suspected_reason = 'revoked', refresh_at = $1`, [
      clock.now(),
    ]);
    const { hanging, shaken, spoolFolder } = await startHanging({ expiresInSeconds: null });
    clock.move(DUE_SECONDS);
    await hanging.refresh.sweepDueRefreshes(clock.now());
    expect(filesIn(spoolFolder)).toEqual([`${id}.1.json`]);
    expect(shaken.askedFor('integration_learn')).toBe(1);
    shaken.setHanging(false);
    expect(await hanging.spool.drain()).toBe(0);
  });

  it('lets its process stop: the answer is kept, and a lease that can not be handed back ends by itself', async () => {
    const { id } = await connect();
    const { hanging, shaken, spoolFolder } = await startHanging();
    clock.move(DUE_SECONDS);
    const swept = hanging.refresh.sweepDueRefreshes(clock.now());
    while (shaken.askedFor('refresh_saved') === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await hanging.refresh.stop();
    expect(filesIn(spoolFolder)).toEqual([`${id}.1.json`]);
    shaken.setHanging(false);
    await swept;
  });
});

it('an answer that the database never takes does not hold up the others', async () => {
  const saved: string[] = [];
  const store = {
    saveKept: async ({ connection: { id } }: KeptAnswer['fence']) => {
      if (id === 'conn_refused') throw new Error('invalid byte sequence');
      saved.push(id);
      return 'saved' as const;
    },
  };
  const spool = createSpool({ folder: join(tmpdir(), 'authpipe-test-spools', randomUUID()), store, log });
  const answer = (id: string): KeptAnswer => ({
    fence: { connection: { id }, version: 1, leaseNumber: 1 },
    refreshed: {
      envelope: Buffer.from('sealed'),
      tokenType: 'Bearer',
      issuedAt: new Date(),
      expiresAt: null,
      refreshExpiresAt: null,
      refreshAt: null,
      expiringAt: null,
      rotates: true,
      invalidatesPrevious: false,
      scopes: [],
    },
  });
  for (const id of ['conn_refused', 'conn_1', 'conn_2']) await spool.keep(answer(id));
  expect(await spool.drain()).toBe(3);
  expect(await spool.drain()).toBe(1);
  expect(saved).toEqual(['conn_1', 'conn_2']);
});
