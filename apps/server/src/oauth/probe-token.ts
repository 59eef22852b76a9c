import { fillUrl, MissingConfigError, type Probe, type ProbeVerdict } from '@authpipe/providers';
import { addSeconds, type Clock } from '../clock.js';
import type { AskResource } from './ask-resource.js';
import type { FindServer } from './find-server.js';
import type { OAuth, ProbedEndpoint, ProbeLeave, ProbeOutcome, TokenTarget } from './oauth.js';
import { probedEndpoint } from './probed-endpoint.js';
import { type TokenRequestError, toTokenRequestError, wrongSetup } from './token-request-error.js';

type ProbedToken = Parameters<OAuth['probe']>[1];

/** A verdict, and why there is none: the provider was away, so that another probe would find no more, or has had enough. */
interface Finding {
  readonly verdict: ProbeVerdict;
  readonly none?: 'away' | 'limited' | undefined;
  /** Left out where the scopes were not told. */
  readonly lostScopes?: readonly string[];
}

const INCONCLUSIVE: ProbeVerdict = { result: 'inconclusive', reason: null };
const DEAD: ProbeVerdict = { result: 'dead', reason: 'revoked' };
const OK: ProbeVerdict = { result: 'ok', reason: null };

const WEIGHT: Readonly<Record<Probe['kind'], number>> = { introspection: 3, userinfo: 2, request: 1 };
const weightOf = ({ kind, weight = WEIGHT[kind] }: Probe): number => weight;

/** The issuer's word is waited for so long. Without, looks that are due together would take each other's places, and none would be whole. */
const SHORT_WAIT_SECONDS = 60;

/** Vendors differ in whether they list it with a token. */
const NEVER_MISSED = 'offline_access';

/** A limit is one caller's, and no outage. */
const noneBy = (status: number): Finding['none'] => {
  if (status === 429) return 'limited';
  return status >= 500 ? 'away' : undefined;
};

/** What failing to ask says: a refused client is the integration's trouble, all else says nothing of the token. */
const readFailure = ({ verdict, status }: TokenRequestError): Finding => {
  if (verdict.outcome === 'integration') {
    return { verdict: { result: 'degraded', reason: verdict.reason } };
  }
  const noAnswer = verdict.outcome === 'transient' ? 'away' : undefined;
  const none = status === null ? noAnswer : noneBy(status);
  return { verdict: { result: 'inconclusive', reason: none ? verdict.reason : null }, none };
};

/** Granted, and not in the token. */
const lostOf = (granted: readonly string[], effective: readonly string[]): string[] =>
  granted.filter((scope) => scope !== NEVER_MISSED && !effective.includes(scope));

/** Sees whether an access token works, by what the method offers and the token allows. */
export const createProbe = ({
  introspect,
  findServer,
  askResource,
  allowLoopback,
  clock,
}: {
  readonly introspect: OAuth['introspect'];
  readonly findServer: FindServer;
  readonly askResource: AskResource;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}): OAuth['probe'] => {
  const fits = ({ kind, ...probe }: Probe, { scopes }: ProbedToken): boolean => {
    if (kind === 'userinfo') return scopes.includes('openid');
    return !('scopes' in probe) || (probe.scopes ?? []).every((scope) => scopes.includes(scope));
  };

  /** @returns null where a setting is missing */
  const endpointOf = (probe: Probe, target: TokenTarget): ProbedEndpoint | null => {
    try {
      return probedEndpoint(probe, target, allowLoopback);
    } catch (error) {
      if (error instanceof MissingConfigError) return null;
      throw error;
    }
  };

  /** @returns null when the probe does not fit: the server has no such endpoint */
  const run = async (
    probe: Probe,
    target: TokenTarget,
    token: ProbedToken,
    note: (answer: Parameters<ProbeLeave['note']>[1]) => void,
  ): Promise<Finding | null> => {
    if (probe.kind === 'introspection') {
      const found = await introspect(target, token.accessToken, 'access_token');
      if (!found) return null;
      note({ status: 200, headers: found.headers ?? {} });
      if (!found.active) return { verdict: DEAD };
      const told = found.scopes === null ? {} : { lostScopes: lostOf(token.scopes, found.scopes) };
      return { verdict: OK, ...told };
    }
    if (probe.kind === 'userinfo') {
      const { userinfo_endpoint: url } = (await findServer(target)).metadata;
      if (url === undefined) return null;
      const answer = await askResource(url, token);
      note(answer);
      const verdict = answer.status === 200 ? OK : answer.status === 401 ? DEAD : INCONCLUSIVE;
      return { verdict, none: noneBy(answer.status) };
    }
    const answer = await askResource(fillUrl(probe.url, target.config, { allowLoopback }), token);
    note(answer);
    return { verdict: probe.read(answer), none: noneBy(answer.status) };
  };

  const ask = async (
    probe: Probe,
    target: TokenTarget,
    token: ProbedToken,
    endpoint: ProbedEndpoint,
    leave: ProbeLeave | undefined,
  ): Promise<Finding | null> => {
    try {
      return await run(probe, target, token, (answer) => leave?.note(endpoint, answer));
    } catch (error) {
      const known = toTokenRequestError(error, () => wrongSetup('The probe could not be made.'));
      if (known.status === 429) leave?.note(endpoint, { status: 429, headers: {} });
      return readFailure(known);
    }
  };

  return async (target, token, leave) => {
    let outcome: ProbeOutcome = { ...INCONCLUSIVE, by: null };
    let provedWeight = 0;
    let lostScopes: readonly string[] | undefined;
    let withheldUntil: Date | null = null;
    let isPartial = false;
    for (const probe of target.method.probes) {
      // The token lives: what is left to see is whether the API takes it.
      if ((provedWeight > 0 && probe.kind !== 'request') || !fits(probe, token)) continue;
      const endpoint = endpointOf(probe, target);
      if (endpoint === null) continue;
      const putOffUntil = await leave?.ask(endpoint);
      if (putOffUntil) {
        const isSoon = putOffUntil <= addSeconds(clock.now(), SHORT_WAIT_SECONDS);
        if (probe.kind === 'introspection' && isSoon) return { ...INCONCLUSIVE, by: null, putOffUntil };
        withheldUntil ??= putOffUntil;
        isPartial ||= probe.kind !== 'userinfo';
        continue;
      }
      const finding = await ask(probe, target, token, endpoint, leave);
      if (finding === null) continue;
      const { verdict, none } = finding;
      const by = outcome.result === 'ok' && outcome.by !== null ? outcome.by : probe.kind;
      const failedApi = probe.kind === 'request' ? { failedApi: endpoint.name } : {};
      if (verdict.result === 'dead') {
        if (provedWeight <= weightOf(probe)) return { ...verdict, by: probe.kind, ...failedApi };
        // Who issued the token says that it lives: a setting of the API stands in the way.
        return { result: 'degraded', reason: 'configuration', by, ...failedApi };
      }
      if (verdict.result === 'degraded') return { ...verdict, by: probe.kind, ...failedApi };
      if (verdict.result === 'ok') {
        provedWeight = Math.max(provedWeight, weightOf(probe));
        lostScopes ??= finding.lostScopes;
        outcome = { ...OK, by };
      } else if (provedWeight === 0) {
        outcome = { ...verdict, by: probe.kind, ...(none === 'away' ? { isAway: true } : {}) };
        // A probe that is switched off at the provider says nothing; the next one may.
        if (none === 'away') return outcome;
        isPartial ||= none === 'limited';
      } else isPartial ||= none !== undefined;
    }
    if (outcome.result === 'ok' && lostScopes !== undefined && lostScopes.length > 0) {
      return { result: 'degraded', reason: 'scope_lost', by: outcome.by, lostScopes };
    }
    return {
      ...outcome,
      ...(outcome.result === 'ok' && isPartial ? { isPartial } : {}),
      ...(outcome.result === 'ok' && lostScopes !== undefined ? { seesScopes: true } : {}),
      ...(withheldUntil === null ? {} : { putOffUntil: withheldUntil }),
    };
  };
};
