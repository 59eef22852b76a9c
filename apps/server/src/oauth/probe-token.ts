import { fillUrl, type Probe, type ProbeVerdict } from '@authpipe/providers';
import type { AskResource } from './ask-resource.js';
import type { FindServer } from './find-server.js';
import type { OAuth, ProbeOutcome, TokenTarget } from './oauth.js';
import { type TokenRequestError, toTokenRequestError, wrongSetup } from './token-request-error.js';

type ProbedToken = Parameters<OAuth['probe']>[1];

/** A verdict, and whether the provider was away: then another probe would find no more. */
interface Finding {
  readonly verdict: ProbeVerdict;
  readonly away: boolean;
}

const INCONCLUSIVE: ProbeVerdict = { result: 'inconclusive', reason: null };
const DEAD: ProbeVerdict = { result: 'dead', reason: 'revoked' };
const OK: ProbeVerdict = { result: 'ok', reason: null };

const isAway = (status: number): boolean => status === 429 || status >= 500;

/** What failing to ask says: a refused client is the integration's trouble, all else says nothing of the token. */
const readFailure = ({ verdict, status }: TokenRequestError): Finding => {
  if (verdict.outcome === 'integration') {
    return { verdict: { result: 'degraded', reason: verdict.reason }, away: false };
  }
  const away = status === null ? verdict.outcome === 'transient' : isAway(status);
  return { verdict: { result: 'inconclusive', reason: away ? verdict.reason : null }, away };
};

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
  /** @returns null when the probe does not fit: no endpoint, or a scope is missing */
  const run = async (probe: Probe, target: TokenTarget, token: ProbedToken): Promise<Finding | null> => {
    if (probe.kind === 'introspection') {
      const found = await introspect(target, token.accessToken, 'access_token');
      return found && { verdict: found.active ? OK : DEAD, away: false };
    }
    if (probe.kind === 'userinfo') {
      const { userinfo_endpoint: url } = (await findServer(target)).metadata;
      if (url === undefined || !token.scopes.includes('openid')) return null;
      const { status } = await askResource(url, token);
      const verdict = status === 200 ? OK : status === 401 ? DEAD : INCONCLUSIVE;
      return { verdict, away: isAway(status) };
    }
    if (!(probe.scopes ?? []).every((scope) => token.scopes.includes(scope))) return null;
    const answer = await askResource(fillUrl(probe.url, target.config, { allowLoopback }), token);
    return { verdict: probe.read(answer), away: isAway(answer.status) };
  };

  return async (target, token) => {
    let outcome: ProbeOutcome = { ...INCONCLUSIVE, by: null };
    for (const probe of target.method.probes) {
      const finding = await run(probe, target, token).catch((error: unknown) =>
        readFailure(toTokenRequestError(error, () => wrongSetup('The probe could not be made.'))),
      );
      if (finding === null) continue;
      outcome = { ...finding.verdict, by: probe.kind };
      // A probe that is switched off at the provider says nothing; the next one may.
      if (finding.verdict.result !== 'inconclusive' || finding.away) return outcome;
    }
    return outcome;
  };
};
