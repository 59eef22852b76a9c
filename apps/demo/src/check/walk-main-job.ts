import { Authpipe, AuthpipeError } from '@authpipe/node';
import type { Connection, Credential } from '@authpipe/types';
import { connectAsAPerson, type Places } from './connect-as-a-person.js';
import { sandboxControl } from './sandbox-control.js';
import { expectThat, type StepReport, waitFor } from './step-report.js';

/** What the walk needs to know of the running demo. */
export interface MainJob extends Places {
  readonly orgUrl: string;
  readonly apiKey: string;
  readonly report: StepReport;
  /** When the demo's start began, in milliseconds since the epoch. */
  readonly startedAt: number;
}

const OWNER = { tenantId: 'org_acme', userId: 'user_123' } as const;
const REF = { provider: 'okta', ...OWNER } as const;
const PERSON = { email: 'ada@acme.test' };

/** Long enough for a 15 s token to be refreshed by schedule, on a busy machine. */
const REFRESH_PATIENCE_SECONDS = 60;
/** Many probe intervals of 3 s. */
const REVOCATION_PATIENCE_SECONDS = 60;

const sameToken = (one: Credential, other: Credential): boolean => one.credential === other.credential;

/** The code of the error that `call` fails with, or `null` if it does not fail. */
const errorCodeOf = async (call: Promise<unknown>): Promise<string | null> =>
  call.then(
    () => null,
    (error: unknown) => (error instanceof AuthpipeError ? error.code : String(error)),
  );

const callOrg = async ({ headers, baseUrl }: Credential) => {
  const response = await fetch(`${baseUrl}/api/v1/users?limit=5`, { headers });
  return { status: response.status, body: (await response.json().catch(() => null)) as unknown };
};

/**
 * The main job over real HTTP: connect, cached read, a call of the org's API, refresh by schedule, revocation seen by
 * schedule, reconnect, delete. Throws at the first step that does not see what it should.
 */
export const walkMainJob = async ({
  authpipeUrl,
  appUrl,
  orgUrl,
  apiKey,
  report,
  startedAt,
}: MainJob): Promise<void> => {
  const places = { authpipeUrl, appUrl };
  const org = sandboxControl(orgUrl);
  let requests = 0;
  const countingFetch: typeof fetch = (...call) => {
    requests += 1;
    return fetch(...call);
  };
  using authpipe = new Authpipe({ apiKey, baseUrl: authpipeUrl, fetch: countingFetch });

  const { state, transcript } = await report.step('Connect as a person', async () => {
    const walk = await connectAsAPerson(places, PERSON);
    const account = walk.state.connection?.account;
    return { seen: `connected as ${account?.email ?? account?.id}`, value: walk };
  });
  const connectionId = state.connection?.id ?? '';

  const first = await report.step('First credential', async () => {
    const value = await authpipe.getCredential(REF);
    expectThat(value.connectionId === connectionId, 'the credential is of another connection');
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    return { seen: `version ${value.version}, ${seconds} s after the demo's start`, value };
  });

  await report.step('The browser never saw it', async () => {
    const seen = transcript.some((text) => text.includes(first.credential));
    expectThat(!seen, 'the access token was in a page or an address');
    return { seen: `${transcript.length} pages and addresses searched`, value: null };
  });

  await report.step('Cached read', async () => {
    const before = requests;
    const again = await authpipe.getCredential(REF);
    expectThat(sameToken(first, again), 'another credential came back');
    expectThat(requests === before, 'the read went to the server');
    return { seen: 'the same credential, 0 requests', value: null };
  });

  await report.step('Call the org’s API with it', async () => {
    const { status, body } = await callOrg(first);
    expectThat(status === 200 && Array.isArray(body), `the org answered ${status}`);
    return { seen: `200, ${body.length} users`, value: null };
  });

  await report.step('Refresh, by schedule', async () => {
    const otherwise = 'the connection was not refreshed ahead of its expiry';
    const refreshed = await waitFor(
      async () => {
        const { version } = await authpipe.getConnection(connectionId);
        return version > first.version ? version : null;
      },
      { seconds: REFRESH_PATIENCE_SECONDS, otherwise },
    );
    const next = await waitFor(
      async () => {
        const credential = await authpipe.getCredential(REF);
        return sameToken(first, credential) ? null : credential;
      },
      { seconds: REFRESH_PATIENCE_SECONDS, otherwise: 'the client still answers the old credential' },
    );
    expectThat(next.connectionId === connectionId, 'the connection has another id');
    const { status } = await callOrg(next);
    expectThat(status === 200, `the org answered ${status} to the new token`);
    return { seen: `version ${refreshed}, another access token, the same connection`, value: null };
  });

  await report.step('Revoke at the org; nobody asks', async () => {
    await org.revokeGrants(PERSON.email);
    const { status, reason } = await waitFor<Connection>(
      async () => {
        const connection = await authpipe.getConnection(connectionId);
        return connection.status === 'needs_reconnect' ? connection : null;
      },
      { seconds: REVOCATION_PATIENCE_SECONDS, otherwise: 'the revocation was not noticed' },
    );
    return { seen: `${status}, reason ${reason}`, value: null };
  });

  await report.step('A read says so', async () => {
    using fresh = new Authpipe({ apiKey, baseUrl: authpipeUrl });
    const code = await errorCodeOf(fresh.getCredential(REF));
    expectThat(code === 'needs_reconnect', `the read ended with ${code ?? 'a credential'}`);
    return { seen: 'needs_reconnect', value: null };
  });

  await report.step('Reconnect with the same button', async () => {
    const walk = await connectAsAPerson(places, PERSON);
    expectThat(walk.state.connection?.id === connectionId, 'reconnecting made another connection');
    using fresh = new Authpipe({ apiKey, baseUrl: authpipeUrl });
    const { status } = await callOrg(await fresh.getCredential(REF));
    expectThat(status === 200, `the org answered ${status}`);
    return { seen: 'the same connection id, its token works', value: null };
  });

  await report.step('Delete', async () => {
    const { revokedAtProvider } = await authpipe.deleteConnection(connectionId);
    expectThat(revokedAtProvider, 'the grant was not revoked at the org');
    const grants = await org.countGrants();
    expectThat(grants === 0, `${grants} grants still stand at the org`);
    const code = await errorCodeOf(authpipe.getCredential(REF));
    expectThat(code === 'connection_not_found', `a read after it ended with ${code ?? 'a credential'}`);
    return { seen: 'revoked at the org, then erased', value: null };
  });
};
