import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import type { OAuth } from '../src/oauth/oauth.js';
import { describeEachEngine } from './support/databases.js';
import { type HeldRefresh, holdRefresh } from './support/held-refresh.js';
import { type HostileServer, json, startHostileServer } from './support/hostile-server.js';
import { type ServiceWorld, startServiceWorld } from './support/service-world.js';
import { testClock } from './support/world.js';

/** What `@authpipe/node` waits for an answer, unless told. */
const CLIENT_TIMEOUT_MILLIS = 15_000;

describeEachEngine('while a provider hangs', (open) => {
  let db: Database;
  let cloud: HostileServer;
  let held: HeldRefresh;
  let world: ServiceWorld;
  /** How long a reader was willing to wait. */
  let waits: number[];
  let ended: string;
  let living: string;

  beforeAll(async () => {
    db = await open();
    cloud = await startHostileServer();
  });
  afterAll(async () => {
    await cloud.close();
    await db.close();
  });
  beforeEach(async () => {
    held = holdRefresh('before_sending');
    waits = [];
    cloud.heard.length = 0;
    const clock = testClock();
    const sleep = async (millis: number) => {
      waits.push(millis);
      // Nobody's patience ends before the provider has been asked.
      await held.stands;
    };
    let hangs = false;
    const withOAuth = (oauth: OAuth): OAuth => {
      const hanging = held.withOAuth(oauth);
      return { ...oauth, renew: (...given) => (hangs ? hanging : oauth).renew(...given) };
    };
    world = await startServiceWorld(db, { clock, sleep, withOAuth });
    const connect = async (label: string, lifetimeSeconds: number) => {
      cloud.handle('/oauth2/token', json({ access_token: `at_${label}`, expires_in: lifetimeSeconds }));
      const { body } = await world.importAs({
        ...{ provider: 'crowdstrike', label, config: { region: cloud.host } },
        credential: { clientId: 'falcon-client', clientSecret: 'planted-falcon-secret' },
      });
      return body.id as string;
    };
    ended = await connect('ended', 1_799);
    living = await connect('living', 86_400);
    clock.move(1_900);
    hangs = true;
    cloud.handle('/oauth2/token', json({ access_token: 'at_next', expires_in: 1_799 }));
  });

  it('a batch answers what it has, and of the ended token that its provider is unavailable', async () => {
    const { status, body } = await world.readMany([ended, living]);
    expect(status).toBe(200);
    expect(body.credentials).toMatchObject([
      { error: { code: 'provider_unavailable', retryable: true, connectionId: ended } },
      { credential: { credential: 'at_living', connectionId: living } },
    ]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(CLIENT_TIMEOUT_MILLIS / 5);
  });

  it('a single read says so too, before its client would give up, and when to ask again', async () => {
    const { status, body, headers } = await world.read(ended);
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'provider_unavailable', connectionId: ended });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeLessThan(CLIENT_TIMEOUT_MILLIS / 1.5);
  });

  it('the refresh that nobody waits for any more goes on, and the next read has what it brought', async () => {
    await world.readMany([ended, living]);
    held.release();
    const read = async () => (await world.read(ended)).body;
    while ((await read()).credential !== 'at_next') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(cloud.heardAt('/oauth2/token')).toHaveLength(3);
  });
});
