import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
  walkToCallback,
} from './support/connect-world.js';

let world: ConnectWorld;
let users = 0;
let userId = '';
let beforeSave = async () => {};

beforeAll(async () => {
  world = await startConnectWorld({ beforeSave: () => beforeSave() });
  await world.setUp();
});
afterAll(() => world.close());
beforeEach(() => {
  users += 1;
  userId = `user_${users}`;
});
afterEach(() => {
  beforeSave = async () => {};
  world.org.control.reset();
});

const connections = async () =>
  (await world.connections.listConnections({ userId }, { environment: ENVIRONMENT, cursor: null, limit: 10 }))
    .data;

describe('while the provider is asked for the tokens', () => {
  /** Comes back from the provider, and stops where the server waits for the token endpoint. */
  const waitAtTokenEndpoint = async () => {
    const made = await newSession(world, { userId });
    const trip = await walkToCallback(world, made);
    world.org.control.failNext({ path: '/oauth2/v1/token', kind: 'hang' });
    const landing = trip.resume();
    while (world.org.control.hungCount() === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    return { made, landing, openAgain: () => trip.browser.open(`${world.publicUrl}/connect/${made.id}`) };
  };

  it('a cancel in another tab still counts: nothing is connected, and the fresh grant is ended', async () => {
    const { made, landing, openAgain } = await waitAtTokenEndpoint();
    await (await openAgain()).submit({ button: 'Cancel' });
    world.org.control.releaseHung();
    expect((await landing).text).toContain('You cancelled');
    expect(await stateOf(world, made)).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
    expect(await connections()).toEqual([]);
    expect(world.org.control.listGrants()).toEqual([]);
  });

  it('another trip of the session may finish first: then the slower one’s grant is ended', async () => {
    const { landing, openAgain } = await waitAtTokenEndpoint();
    const consent = await (await openAgain()).submit({ button: 'Continue' });
    expect((await consent.submit({ button: 'decision=allow' })).text).toContain('is connected');
    const connected = await connections();
    world.org.control.releaseHung();
    expect((await landing).text).toContain('is connected');
    expect(await connections()).toEqual(connected);
    expect(world.org.control.listGrants()).toHaveLength(1);
  });
});

it('a cancel while the connection is being saved comes too late: the session tells what is true', async () => {
  const made = await newSession(world, { userId });
  const trip = await walkToCallback(world, made);
  const hosted = await trip.browser.open(`${world.publicUrl}/connect/${made.id}`);
  beforeSave = async () => void (await hosted.submit({ button: 'Cancel' }));
  await trip.resume();
  const [connection] = await connections();
  expect(await stateOf(world, made)).toEqual({
    id: made.id,
    status: 'complete',
    connection: expect.objectContaining({ id: connection?.id }),
  });
});

it('a backend finishes with the grant that was kept, whatever trip came back after it', async () => {
  const codeVerifier = 'a-verifier-that-only-the-backend-of-the-app-knows';
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const made = await newSession(world, { userId, codeChallenge });
  const trip = await walkToCallback(world, made);
  const { prisma } = world.db;
  const where = { sessionId: made.id };
  const { config, ...kept } = await prisma.authorizationRequest.findFirstOrThrow({ where });
  await trip.resume();
  // Begun before the grant was kept, written down and back after it.
  const late = { id: 'areq_late', stateHash: new Uint8Array(32), consumedAt: new Date(Date.now() + 1_000) };
  await prisma.authorizationRequest.create({ data: { ...kept, config: { ...Object(config) }, ...late } });
  // Written anew, the kept one no longer stands first in the table.
  await prisma.authorizationRequest.update({ where: { id: kept.id }, data: { issuer: kept.issuer } });
  expect(await world.connect.finishSession(ENVIRONMENT, made.id, codeVerifier, null)).toMatchObject({
    status: 'complete',
  });
});

it('a link that is opened after the button was pressed leads back to the app, and tells no window', async () => {
  const made = await newSession(world, { userId, returnUrl: `${APP_ORIGIN}/back` });
  await pressButton(world, createBrowser(), made);
  const hosted = await (await createBrowser().open(made.url)).submit({ button: 'Continue' });
  const done = await signInAt(await hosted.submit({ button: 'Continue' }));
  expect(done.root.querySelector('[data-connect-message]')).toBeNull();
  expect(done.root.querySelector('a.primary')?.text).toContain('Back to app.example.test');
});
