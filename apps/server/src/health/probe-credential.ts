import { type AuthMethod, fillUrl, MissingConfigError, type ProbeVerdict } from '@authpipe/providers';
import type {
  ConnectionRecord,
  CredentialSecrets,
  StoredCredential,
} from '../credentials/credential-record.js';
import { methodOf, toCredential, type WireContext } from '../credentials/to-wire.js';
import { FetchError, type GuardedFetch } from '../oauth/guarded-fetch.js';
import type { OAuth, TokenTarget } from '../oauth/oauth.js';

/** What the provider said of a credential, and what was asked. */
export interface Look extends ProbeVerdict {
  /** `introspection`, `userinfo` or `request`; `null` when nothing could be asked. */
  readonly by: string | null;
}

/** Asks the provider once. Never throws for what the provider does: that is `inconclusive`. */
export type ProbeCredential = (stored: StoredCredential) => Promise<Look>;

/** Whom to ask, as whom; `null` when the connection has no OAuth client. */
export type FindTarget = (
  connection: ConnectionRecord,
  secrets: CredentialSecrets,
) => Promise<{ readonly target: TokenTarget } | null>;

const NOTHING_ASKED: Look = { result: 'inconclusive', reason: null, by: null };

/** The cheap call of a method that has no OAuth: a key or a pair is sent as an app would send it. */
const requestProbe = (method: AuthMethod) => method.probes.find((probe) => probe.kind === 'request');

/** Probes by the definition: OAuth tokens through `oauth/`, keys and pairs by the definition's own cheap call. */
export const createProbeCredential =
  ({
    oauth,
    fetch,
    findTarget,
    wire,
  }: {
    readonly oauth: Pick<OAuth, 'probe'>;
    readonly fetch: GuardedFetch;
    readonly findTarget: FindTarget;
    readonly wire: WireContext;
  }): ProbeCredential =>
  async (stored) => {
    const { connection, secrets, tokenType } = stored;
    if ('accessToken' in secrets) {
      const found = await findTarget(connection, secrets);
      if (!found) return NOTHING_ASKED;
      const { accessToken, dpopKey } = secrets;
      return oauth.probe(found.target, { accessToken, tokenType, dpopKey, scopes: connection.scopes });
    }
    const method = methodOf(wire.findProvider(connection.provider), connection.authMethod);
    const probe = method && requestProbe(method);
    if (!probe) return NOTHING_ASKED;
    try {
      const url = fillUrl(probe.url, connection.config, { allowLoopback: wire.allowLoopback });
      const { headers } = toCredential(stored, wire);
      const answer = await fetch({ url, method: 'GET', headers: { accept: 'application/json', ...headers } });
      return { ...probe.read(answer), by: 'request' };
    } catch (error) {
      if (error instanceof FetchError || error instanceof MissingConfigError) return NOTHING_ASKED;
      throw error;
    }
  };
