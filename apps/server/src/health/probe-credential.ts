import { type AuthMethod, fillUrl, MissingConfigError, type ProbeVerdict } from '@authpipe/providers';
import type { StatusReason } from '@authpipe/types';
import type {
  ConnectionRecord,
  CredentialSecrets,
  StoredCredential,
} from '../credentials/credential-record.js';
import { methodOf, toCredential, type WireContext } from '../credentials/to-wire.js';
import { FetchError, type GuardedFetch } from '../oauth/guarded-fetch.js';
import type { OAuth, ProbeOutcome, TokenTarget } from '../oauth/oauth.js';
import { probedEndpoint } from '../oauth/probed-endpoint.js';
import type { LeaveFor } from './probe-limits.js';

/** What the provider said of a credential, and what was asked. */
export interface Look
  extends ProbeVerdict,
    Pick<ProbeOutcome, 'failedApi' | 'lostScopes' | 'seesScopes' | 'isAway' | 'isPartial' | 'putOffUntil'> {
  /** `introspection`, `userinfo` or `request`; `null` when nothing could be asked. */
  readonly by: string | null;
  /** When it was asked, where that is known: what was answered to somebody since is newer. */
  readonly askedAt?: Date;
}

/** Asks the provider once. Never throws for what the provider does: that is `inconclusive`. */
export type ProbeCredential = (stored: StoredCredential) => Promise<Look>;

/** Whom to ask, as whom; `null` when the connection has no OAuth client. */
export type FindTarget = (
  connection: ConnectionRecord,
  secrets: CredentialSecrets,
) => Promise<{
  readonly target: TokenTarget;
  readonly integration: { readonly status: string; readonly reason: StatusReason | null } | null;
} | null>;

const NOTHING_ASKED: Look = { result: 'inconclusive', reason: null, by: null };
const AWAY: Look = { ...NOTHING_ASKED, by: 'request', isAway: true };

/** Reasons that are about the client: it is not sent again and again to a provider that refuses it. */
export const CLIENT_REASONS: ReadonlySet<StatusReason | null> = new Set([
  'client_secret_invalid',
  'app_deactivated',
]);

/** The cheap call of a method that has no OAuth: a key or a pair is sent as an app would send it. */
const requestProbe = (method: AuthMethod) => method.probes.find((probe) => probe.kind === 'request');

/** The client is refused: only what needs no client can be asked. */
const withoutClient = (target: TokenTarget): TokenTarget => {
  const probes = target.method.probes.filter(({ kind }) => kind !== 'introspection');
  return { ...target, method: { ...target.method, probes } };
};

/** Probes by the definition: OAuth tokens through `oauth/`, keys and pairs by the definition's own cheap call. */
export const createProbeCredential =
  ({
    oauth,
    fetch,
    findTarget,
    leaveFor,
    wire,
  }: {
    readonly oauth: Pick<OAuth, 'probe'>;
    readonly fetch: GuardedFetch;
    readonly findTarget: FindTarget;
    readonly leaveFor: LeaveFor;
    readonly wire: WireContext;
  }): ProbeCredential =>
  async (stored) => {
    const { connection, secrets, tokenType } = stored;
    const definition = wire.findProvider(connection.provider);
    const leave = leaveFor(definition, connection);
    if ('accessToken' in secrets) {
      const found = await findTarget(connection, secrets);
      if (!found) return NOTHING_ASKED;
      const isRefused =
        found.integration?.status === 'degraded' && CLIENT_REASONS.has(found.integration.reason);
      const target = isRefused ? withoutClient(found.target) : found.target;
      const { accessToken, dpopKey } = secrets;
      // What a refresh has lost is missed until it is back.
      const scopes = [...connection.scopes, ...connection.lostScopes];
      return oauth.probe(target, { accessToken, tokenType, dpopKey, scopes }, leave);
    }
    const method = methodOf(definition, connection.authMethod);
    const probe = method && requestProbe(method);
    if (!probe) return NOTHING_ASKED;
    try {
      const { allowLoopback } = wire;
      const endpoint = probedEndpoint(probe, { method, config: connection.config }, allowLoopback);
      const putOffUntil = await leave.ask(endpoint);
      if (putOffUntil) return { ...NOTHING_ASKED, putOffUntil };
      const url = fillUrl(probe.url, connection.config, { allowLoopback });
      const { headers } = toCredential(stored, wire);
      const answer = await fetch({ url, method: 'GET', headers: { accept: 'application/json', ...headers } });
      leave.note(endpoint, answer);
      const verdict = probe.read(answer);
      const isAway = verdict.result === 'inconclusive' && answer.status >= 500;
      return {
        ...verdict,
        by: 'request',
        ...(isAway ? { isAway } : {}),
        ...(verdict.result === 'degraded' ? { failedApi: endpoint.name } : {}),
      };
    } catch (error) {
      if (error instanceof MissingConfigError) return NOTHING_ASKED;
      if (error instanceof FetchError) return error.failure === 'forbidden' ? NOTHING_ASKED : AWAY;
      throw error;
    }
  };
