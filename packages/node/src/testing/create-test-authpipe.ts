import { Authpipe } from '../client.js';
import { invalidRequest } from '../errors.js';
import type { AuthpipeOptions } from '../options.js';
import { MemoryServer, type TestProviders } from './memory-server.js';
import { TestClock } from './test-clock.js';
import { TestControls } from './test-controls.js';

/** Options of a client, and of the server that it talks to. */
export interface TestAuthpipeOptions extends Omit<AuthpipeOptions, 'apiKey' | 'baseUrl' | 'fetch' | 'clock'> {
  /** When the clock stands still. Default: the time of the call. */
  readonly now?: Date | undefined;
  /** What `GET /v1/providers/{id}` tells of providers, by id: the scheme of their webhooks, say. Default: nothing. */
  readonly providers?: TestProviders | undefined;
  /** Secret of the webhook endpoint, `whsec_…`. Default: one that is the same in every test. */
  readonly webhookSecret?: string | undefined;
}

/** A client for the code under test, and what the test does in the place of people, providers and time. */
export interface TestAuthpipe {
  /** A client as any other, with its real cache, retries and event stream. */
  readonly authpipe: Authpipe;
  readonly testing: TestControls;
}

const API_KEY = 'ap_test_in_memory_only';
const BASE_URL = 'https://authpipe.test';
const WEBHOOK_SECRET = `whsec_${Buffer.from('for tests, known to everybody').toString('base64')}`;

/**
 * An Authpipe in memory: a real client whose server and clock belong to the test. Nothing goes over the network, no time
 * passes by itself, no handle stays open; make one for each test. Works in any test runner.
 *
 * `authpipe.fetch` calls `providerFetch`, the provider's API as the test plays it; without one such a call rejects.
 * @throws AuthpipeError `invalid_request` when an option is wrong, as the client's constructor does
 */
export const createTestAuthpipe = (options: TestAuthpipeOptions = {}): TestAuthpipe => {
  const { now = new Date(), providers, webhookSecret = WEBHOOK_SECRET, ...more } = options;
  const clock = new TestClock(now.getTime());
  const server = new MemoryServer(clock.now, providers);
  const clientOptions: AuthpipeOptions = {
    providerFetch: refuseNetwork,
    ...more,
    ...{ apiKey: API_KEY, baseUrl: BASE_URL, fetch: server.fetch, clock },
  };
  return {
    authpipe: new Authpipe(clientOptions),
    testing: new TestControls({ server, clock, options: clientOptions, webhookSecret }),
  };
};

const refuseNetwork: typeof fetch = async () => {
  throw invalidRequest(
    'A test called a provider over the network: give createTestAuthpipe a providerFetch that answers in its place.',
    '/providerFetch',
  );
};
