import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { StoredCredential } from '../src/credentials/credential-record.js';
import type { ClaimedCredential } from '../src/credentials/refresh-store.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
} from './support/world.js';

const LEASE_SECONDS = 16;

describeEachEngine('the fence around a refresh', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let first: TestNode;
  let second: TestNode;
  let stored: StoredCredential;
  /** What each node holds, or held. */
  const held = new Map<TestNode, ClaimedCredential>();

  const claim = async (node: TestNode): Promise<boolean> => {
    const place = { connectionId: stored.connection.id, environment: ENVIRONMENT };
    const claimed = await node.refreshes.claimRefresh(place, { force: true });
    const read = claimed && (await node.refreshes.readClaimed(claimed));
    if (read) held.set(node, read);
    return read !== null;
  };
  const heldBy = (node: TestNode): ClaimedCredential => {
    const claimed = held.get(node);
    if (!claimed) throw new Error('nothing was claimed');
    return claimed;
  };
  const renewed = (node: TestNode) => ({
    envelope: heldBy(node).sealNext(stored.secrets),
    tokenType: 'Bearer',
    issuedAt: clock.now(),
    expiresAt: clock.now(),
    refreshExpiresAt: null,
    refreshAt: null,
    expiringAt: null,
    rotates: true,
    invalidatesPrevious: false,
    scopes: [],
  });
  /** Every write that a holder may make, and whether it went through. */
  const writes = async (node: TestNode) => [
    await node.refreshes.recordIntent(heldBy(node)),
    await node.refreshes.saveRefreshFailure(heldBy(node), {
      refreshAt: null,
      reason: 'provider_down',
      forgetIntent: true,
      isAttempt: true,
    }),
    await node.refreshes.saveDeadGrant(heldBy(node), 'revoked'),
    await node.refreshes.stopRefreshing(heldBy(node)),
    await node.refreshes.saveRefreshed(heldBy(node), renewed(node)),
  ];
  const rowOf = () => db.query('test_row', 'SELECT * FROM credentials', []);

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    first = await startNode({ db, clock });
    second = await startNode({ db, clock });
    await setUpIntegration(first, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    const { connection } = await connectUser(first, org, clock);
    const opened = await first.credentials.openCredential(connection.id, ENVIRONMENT);
    if (!opened) throw new Error('no credential');
    stored = opened;
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('gives the leave to one at a time, until its end', async () => {
    expect(await claim(first)).toBe(true);
    expect(await claim(second)).toBe(false);
    expect(await claim(first)).toBe(false);
    clock.move(LEASE_SECONDS);
    expect(await claim(second)).toBe(true);
  });

  it('keeps out whoever lost the leave, though nobody has written since', async () => {
    await claim(first);
    clock.move(LEASE_SECONDS);
    await claim(second);
    const before = await rowOf();
    expect(await writes(first)).toEqual([false, false, false, false, false]);
    expect(await rowOf()).toEqual(before);
    expect(await second.refreshes.saveRefreshed(heldBy(second), renewed(second))).toBe(true);
  });

  it('keeps out whoever read an older version, though the leave is still theirs', async () => {
    await claim(first);
    await db.query('test_bump', 'UPDATE credentials SET version = version + 1', []);
    const before = await rowOf();
    expect(await writes(first)).toEqual([false, false, false, false, false]);
    expect(await rowOf()).toEqual(before);
  });

  it('does not let the provider be called on a leave that has run out', async () => {
    await claim(first);
    clock.move(LEASE_SECONDS);
    expect(await first.refreshes.recordIntent(heldBy(first))).toBe(false);
  });

  it('tells the flights of one process apart, whose statements are joined', async () => {
    const granted = stored.connection.scopes ?? [];
    await claim(first);
    const lapsed = { fence: heldBy(first), refreshed: { ...renewed(first), scopes: [...granted, 'lapsed'] } };
    clock.move(LEASE_SECONDS);
    await claim(first);
    const current = {
      fence: heldBy(first),
      refreshed: { ...renewed(first), scopes: [...granted, 'current'] },
    };
    const { recordIntent, saveRefreshed } = first.refreshes;
    const flights = [lapsed, current, lapsed];
    expect(await Promise.all(flights.map(({ fence }) => recordIntent(fence)))).toEqual([false, true, false]);
    const saves = flights.map(({ fence, refreshed }) => saveRefreshed(fence, refreshed));
    expect(await Promise.all(saves)).toEqual([false, true, false]);
    const saved = await first.connections.getConnection(stored.connection.id, ENVIRONMENT);
    expect(saved).toMatchObject({ version: 2, scopes: [...granted, 'current'] });
    expect(await eventsOf(first, stored.connection.id)).toEqual([
      'connection.created',
      'credential.refreshed',
    ]);
  });

  it('frees a connection at once when a person connects again', async () => {
    await claim(first);
    await connectUser(first, org, clock);
    expect(await claim(second)).toBe(true);
  });

  it('frees what is handed back, and nothing that another holds', async () => {
    await claim(first);
    const lease = { connectionId: stored.connection.id, environment: ENVIRONMENT };
    const { leaseNumber } = heldBy(first);
    await second.refreshes.releaseRefreshes([{ ...lease, leaseNumber }]);
    expect(await claim(second)).toBe(false);
    await first.refreshes.releaseRefreshes([{ ...lease, leaseNumber: leaseNumber - 1 }]);
    expect(await claim(second)).toBe(false);
    await first.refreshes.releaseRefreshes([{ ...lease, leaseNumber }]);
    expect(await claim(second)).toBe(true);
  });
});
