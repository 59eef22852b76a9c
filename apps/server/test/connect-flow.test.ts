import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ConnectWorld,
  newSession,
  startConnectWorld,
  stateOf,
  walkThrough,
} from './support/connect-world.js';

let world: ConnectWorld;

beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());

describe('connecting an account', () => {
  it('ends with a connection that the backend can read', async () => {
    const session = await newSession(world);
    const done = await walkThrough(world, session);
    expect(done.text).toContain('ada@acme.test is connected');
    const state = await stateOf(world, session);
    expect(state).toMatchObject({
      status: 'complete',
      connection: { integration: 'okta', status: 'healthy', account: { email: 'ada@acme.test' } },
    });
  });
});
