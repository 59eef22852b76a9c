import { setTimeout as sleep } from 'node:timers/promises';
import type { Authpipe } from '@authpipe/node';
import type { AppSettings } from './settings.js';

const RETRY_MILLIS = 200;
const REQUEST_TIMEOUT_MILLIS = 5_000;
/** The first start makes an embedded database, which takes seconds, or tens of them on a busy machine. */
const PATIENCE_MILLIS = 120_000;

const SCOPES = ['openid', 'profile', 'email', 'okta.users.read', 'okta.groups.read'];

/**
 * Waits until the Authpipe server is ready, then tells it of the app's OAuth client at Okta. Telling it again at each
 * start changes nothing. In production this is done once, by whoever deploys.
 * @throws Error when the server does not get ready, or refuses.
 */
export async function prepareAuthpipe(
  authpipe: Authpipe,
  { authpipeUrl, okta }: Pick<AppSettings, 'authpipeUrl' | 'okta'>,
  signal: AbortSignal,
): Promise<void> {
  await waitUntilReady(new URL('/readyz', authpipeUrl), signal);
  const { domain, clientId, clientSecret } = okta;
  await authpipe.putIntegration(
    'okta',
    { provider: 'okta', clientId, clientSecret, scopes: SCOPES, config: { domain } },
    { signal },
  );
}

async function waitUntilReady(url: URL, signal: AbortSignal): Promise<void> {
  const deadlineMillis = performance.now() + PATIENCE_MILLIS;
  while (performance.now() < deadlineMillis) {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS)]),
    }).catch(() => null);
    if (response?.ok) return;
    await sleep(RETRY_MILLIS, undefined, { signal });
  }
  throw new Error(`Authpipe did not get ready at ${url.origin}. Is it running, and is AUTHPIPE_URL right?`);
}
