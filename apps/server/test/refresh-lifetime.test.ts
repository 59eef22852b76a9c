import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { holdRefresh } from './support/held-refresh.js';
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
/** The lease of a process that is never heard of again; the org's grace is longer. */
const LEASE_SECONDS = 16;

describeEachEngine('what refreshes teach', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  /** Asks a provider that never tells how long its access tokens live. */
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const probe = () => node.health.sweepDueProbes(clock.now());
  const stateOf = async (id: string) => {
    const { status, reason } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason };
  };
  const learned = async () => {
    await node.learned();
    const [row] = await db.query<{ seconds: number | null }>(
      'test_learned',
      'SELECT learned_lifetime_seconds AS seconds FROM integrations',
      [],
    );
    return row?.seconds;
  };
  /** A connection with tokens whose end nobody told. */
  const connectWithoutEnd = async () => {
    const connected = await connect({ expiresAt: null });
    await sweep();
    return connected;
  };
  /** The org refuses the access token from now on, as if its time were over, and a look finds out. */
  const refuseAfter = async (seconds: number) => {
    clock.move(seconds);
    org.control.endAccessTokens();
    await db.query('test_probe', 'UPDATE credentials SET probe_at = $1', [clock.now()]);
    await probe();
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => ({ ...(await oauth.renew(...given)), expiresInSeconds: null }),
      }),
    });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await db.query('test_unlearn', 'UPDATE integrations SET learned_lifetime_seconds = NULL', []);
    org.control.setRotation('ROTATE');
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('hazard 5: a token whose end nobody tells is not refreshed over and over, and works until it is refused', async () => {
    const { read } = await connectWithoutEnd();
    clock.move(1800);
    expect(await sweep()).toBe(0);
    expect(await read()).toMatchObject({ version: 2, expiresAt: null, status: 'healthy' });
  });

  it('hazard 5: the first refusal teaches the lifetime: the next token has an end, and nobody is told of trouble', async () => {
    const { id, read } = await connectWithoutEnd();
    await refuseAfter(1800);
    const credential = await read();
    expect(credential).toMatchObject({ version: 3, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    expect(new Date(credential.expiresAt ?? 0).getTime()).toBe(clock.now().getTime() + 1_800_000);
    expect(await learned()).toBe(1800);
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'credential.refreshed',
      'credential.refreshed',
    ]);
    clock.move(1500);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 4, status: 'healthy' });
  });

  it('is known of all tokens of the integration from then on', async () => {
    await connectWithoutEnd();
    await refuseAfter(1800);
    const other = await connectWithoutEnd();
    const { expiresAt } = await other.read();
    expect(new Date(expiresAt ?? 0).getTime()).toBe(clock.now().getTime() + 1_800_000);
  });

  it('is the shortest lifetime that was seen', async () => {
    await connectWithoutEnd();
    await refuseAfter(1800);
    expect(await learned()).toBe(1800);
    // As when another replica, which has not heard yet, sees a longer one after it.
    const [row] = await db.query<{ id: string }>('test_row_id', 'SELECT id FROM integrations', []);
    await node.integrations.learnLifetime(row?.id ?? '', 2400);
    expect(await learned()).toBe(1800);
    await node.integrations.learnLifetime(row?.id ?? '', 900);
    expect(await learned()).toBe(900);
  });

  it('is not learned from a grant that was revoked, nor from a token that ended before its told end', async () => {
    const revoked = await connectWithoutEnd();
    org.control.revokeGrants({ all: true });
    await refuseAfter(600);
    expect(await stateOf(revoked.id)).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    const told = await connect();
    await refuseAfter(600);
    expect(await told.read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await learned()).toBeNull();
  });

  /** A request for new tokens that was begun and never heard of, on a grant that a person then revoked. */
  const revokeUnanswered = async () => {
    const held = holdRefresh('before_sending');
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    await db.query('test_due', 'UPDATE credentials SET refresh_at = $1', [clock.now()]);
    void sweep(dying);
    await held.stands;
    org.control.revokeGrants({ all: true });
    clock.move(LEASE_SECONDS);
    await sweep();
  };

  it('tells a revoked grant from a lost rotation where the last refresh kept the refresh token', async () => {
    const { id } = await connect();
    org.control.setRotation('STATIC');
    clock.move(DUE_SECONDS);
    await sweep();
    await revokeUnanswered();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
  });

  it('calls the same a lost rotation where the last refresh replaced it, or none was made yet', async () => {
    const { id, userId } = await connect();
    clock.move(DUE_SECONDS);
    await sweep();
    await revokeUnanswered();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'rotation_lost' });
    await connectUser(node, org, clock, { userId });
    await revokeUnanswered();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'rotation_lost' });
  });

  it('forgets that the refresh token stays when the person connects again: the new one may be replaced', async () => {
    const { id, userId } = await connect();
    org.control.setRotation('STATIC');
    clock.move(DUE_SECONDS);
    await sweep();
    await connectUser(node, org, clock, { userId });
    await revokeUnanswered();
    expect(await stateOf(id)).toEqual({ status: 'needs_reconnect', reason: 'rotation_lost' });
  });

  it('uses a token that is known to stay whenever an answer is missing, without asking about it first', async () => {
    const { id } = await connect();
    org.control.setRotation('STATIC');
    clock.move(DUE_SECONDS);
    await sweep();
    const held = holdRefresh('after_answer');
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    clock.move(DUE_SECONDS);
    await db.query('test_due', 'UPDATE credentials SET refresh_at = $1', [clock.now()]);
    void sweep(dying);
    await held.stands;
    clock.move(60);
    org.control.resetCounters();
    await sweep();
    expect(await stateOf(id)).toEqual({ status: 'healthy', reason: null });
    expect(org.control.counters()).toMatchObject({ refreshRequests: 1, introspections: 0 });
  });
});
