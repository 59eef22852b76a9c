import { fillUrl, MissingConfigError, type Probe, type ProbeVerdict } from '@authpipe/providers';
import type { AskResource } from './ask-resource.js';
import type { FindServer } from './find-server.js';
import type { OAuth, ProbedEndpoint, ProbeLeave, ProbeOutcome, TokenTarget } from './oauth.js';
import { probedEndpoint } from './probed-endpoint.js';
import { type TokenRequestError, toTokenRequestError, wrongSetup } from './token-request-error.js';

type ProbedToken = Parameters<OAuth['probe']>[1];

/** A verdict, and whether the provider was away: then another probe would find no more. */
interface Finding {
  readonly verdict: ProbeVerdict;
  readonly away: boolean;
  readonly lostScopes?: readonly string[];
}

const INCONCLUSIVE: ProbeVerdict = { result: 'inconclusive', reason: null };
const DEAD: ProbeVerdict = { result: 'dead', reason: 'revoked' };
const OK: ProbeVerdict = { result: 'ok', reason: null };

const WEIGHT: Readonly<Record<Probe['kind'], number>> = { introspection: 3, userinfo: 2, request: 1 };
const weightOf = ({ kind, weight = WEIGHT[kind] }: Probe): number => weight;

/** Vendors differ in whether they list it with a token. */
const NEVER_MISSED = 'offline_access';

const isAway = (status: number): boolean => status === 429 || status >= 500;

/** What failing to ask says: a refused client is the integration's trouble, all else says nothing of the token. */
const readFailure = ({ verdict, status }: TokenRequestError): Finding => {
  if (verdict.outcome === 'integration') {
    return { verdict: { result: 'degraded', reason: verdict.reason }, away: false };
  }
  const away = status === null ? verdict.outcome === 'transient' : isAway(status);
  return { verdict: { result: 'inconclusive', reason: away ? verdict.reason : null }, away };
};

/** Granted, and not in the token. */
const lostOf = (granted: readonly string[], effective: readonly string[] | null): string[] =>
  effective === null ? [] : granted.filter((scope) => scope !== NEVER_MISSED && !effective.includes(scope));

/** Sees whether an access token works, by what the method offers and the token allows. */
export const createProbe = ({
  introspect,
  findServer,
  askResource,
  allowLoopback,
}: {
  readonly introspect: OAuth['introspect'];
  readonly findServer: FindServer;
  readonly askResource: AskResource;
  readonly allowLoopback: boolean;
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
      const lostScopes = found.active ? lostOf(token.scopes, found.scopes) : [];
      return { verdict: found.active ? OK : DEAD, away: false, lostScopes };
    }
    if (probe.kind === 'userinfo') {
      const { userinfo_endpoint: url } = (await findServer(target)).metadata;
      if (url === undefined) return null;
      const answer = await askResource(url, token);
      note(answer);
      const verdict = answer.status === 200 ? OK : answer.status === 401 ? DEAD : INCONCLUSIVE;
      return { verdict, away: isAway(answer.status) };
    }
    const answer = await askResource(fillUrl(probe.url, target.config, { allowLoopback }), token);
    note(answer);
    return { verdict: probe.read(answer), away: isAway(answer.status) };
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
    let lostScopes: readonly string[] = [];
    let withheldUntil: Date | null = null;
    let isPartial = false;
    for (const probe of target.method.probes) {
      // The token lives: what is left to see is whether the API takes it.
      if ((provedWeight > 0 && probe.kind !== 'request') || !fits(probe, token)) continue;
      const endpoint = endpointOf(probe, target);
      if (endpoint === null) continue;
      const putOffUntil = await leave?.ask(endpoint);
      if (putOffUntil) {
        withheldUntil ??= putOffUntil;
        isPartial ||= probe.kind !== 'userinfo';
        continue;
      }
      const finding = await ask(probe, target, token, endpoint, leave);
      if (finding === null) continue;
      const { verdict, away } = finding;
      const by = outcome.result === 'ok' && outcome.by !== null ? outcome.by : probe.kind;
      const failedApi = probe.kind === 'request' ? { failedApi: endpoint.name } : {};
      if (verdict.result === 'dead') {
        if (provedWeight <= weightOf(probe)) return { ...verdict, by: probe.kind };
        // Who issued the token says that it lives: a setting of the API stands in the way.
        return { result: 'degraded', reason: 'configuration', by, ...failedApi };
      }
      if (verdict.result === 'degraded') return { ...verdict, by: probe.kind, ...failedApi };
      if (verdict.result === 'ok') {
        provedWeight = Math.max(provedWeight, weightOf(probe));
        lostScopes = [...lostScopes, ...(finding.lostScopes ?? [])];
        outcome = { ...OK, by };
      } else if (provedWeight === 0) {
        outcome = { ...verdict, by: probe.kind, ...(away ? { isAway: true } : {}) };
        // A probe that is switched off at the provider says nothing; the next one may.
        if (away) return outcome;
      } else isPartial ||= away;
    }
    if (outcome.result === 'ok' && lostScopes.length > 0) {
      return { result: 'degraded', reason: 'scope_lost', by: outcome.by, lostScopes };
    }
    return {
      ...outcome,
      ...(outcome.result === 'ok' && isPartial ? { isPartial } : {}),
      ...(withheldUntil === null ? {} : { putOffUntil: withheldUntil }),
    };
  };
};
