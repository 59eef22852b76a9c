import {
  fillUrl,
  MissingConfigError,
  type ProbeVerdict,
  type ProviderDefinition,
  type TypedMethod,
} from '@authpipe/providers';
import type { CredentialSecrets } from '../credentials/credential-record.js';
import { headersOf } from '../credentials/to-wire.js';
import { FetchError, type GuardedFetch } from '../oauth/guarded-fetch.js';
import type { OAuth, TokenGrant, TokenTarget } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import type { Settings } from './session-choices.js';

/** What the provider says of something that was typed. */
export type Proof =
  /** `by`: what proved it; null where the definition has nothing to ask with, or the answer says nothing. */
  | { readonly outcome: 'accepted'; readonly by: string | null; readonly grant?: TokenGrant }
  /** `isTyped`: whether what was typed is at fault, else something has to be changed at the provider. */
  | { readonly outcome: 'refused'; readonly isTyped: boolean; readonly detail: string }
  /** Nobody can tell now. */
  | { readonly outcome: 'away'; readonly detail: string };

const WRONG: Readonly<Record<TypedMethod['kind'], string>> = {
  api_key: 'this key',
  basic: 'this user name and password',
  client_credentials: 'this client ID and secret',
  webhook_secret: 'this secret',
};

const away = (name: string): Proof => ({
  outcome: 'away',
  detail: `${name} does not answer now, so it could not be checked. Nothing was saved. Try again in a minute.`,
});

/** Where a person looks who typed the right thing for the wrong place. */
const placesOf = ({ config }: ProviderDefinition): string =>
  Object.values(config)
    .filter(({ required }) => required)
    .map(({ label }) => `, and that ${label} is right`)
    .join('');

const refusedAs = (definition: ProviderDefinition, { kind }: TypedMethod): Proof => ({
  outcome: 'refused',
  isTyped: true,
  detail: `${definition.name} does not accept ${WRONG[kind]}. Check that you copied all of it, that it is still active there${placesOf(definition)}.`,
});

const LACKS: Partial<Record<NonNullable<ProbeVerdict['reason']>, string>> = {
  scope_lost: 'it lacks a scope that the connection needs',
  role_lost: 'it may not do what the connection needs: its owner lacks a role, or it lacks a permission',
  user_deactivated: 'its owner is deactivated',
  app_deactivated: 'it is deactivated',
  configuration: 'a setting there has to be changed first',
};

const readVerdict = (
  definition: ProviderDefinition,
  method: TypedMethod,
  { result, reason }: ProbeVerdict,
  by: string | null,
): Proof => {
  if (result === 'ok') return { outcome: 'accepted', by };
  if (reason === 'rate_limited' || reason === 'provider_down') return away(definition.name);
  if (result === 'inconclusive') return { outcome: 'accepted', by: null };
  const lacks = reason === null ? undefined : LACKS[reason];
  if (result === 'dead' || lacks === undefined) return refusedAs(definition, method);
  return {
    outcome: 'refused',
    isTyped: false,
    detail: `${definition.name} knows it, but ${lacks}. Mend that at ${definition.name}, then try again.`,
  };
};

/**
 * Asks the provider whether something that was typed works, before it is kept: by the definition's cheap call, or by a
 * first token where there is a client. Never throws for what the provider does.
 */
export const createProveTyped = ({
  fetch,
  oauth,
  allowLoopback,
}: {
  readonly fetch: GuardedFetch;
  readonly oauth: Pick<OAuth, 'renew' | 'probe'>;
  readonly allowLoopback: boolean;
}) => {
  /** A key, a pair or a secret: sent as an app would send it. */
  const proveStatic = async (
    definition: ProviderDefinition,
    method: TypedMethod,
    config: Settings,
    secrets: CredentialSecrets,
    tokenType: string,
  ): Promise<Proof> => {
    const probe = method.probes.find(({ kind }) => kind === 'request');
    if (probe?.kind !== 'request') return { outcome: 'accepted', by: null };
    try {
      const url = fillUrl(probe.url, config, { allowLoopback });
      const headers = { accept: 'application/json', ...headersOf({ secrets, tokenType }, method) };
      const answer = await fetch({ url, method: 'GET', headers });
      return readVerdict(definition, method, probe.read(answer), 'request');
    } catch (error) {
      if (error instanceof FetchError) return away(definition.name);
      if (error instanceof MissingConfigError) return { outcome: 'accepted', by: null };
      throw error;
    }
  };

  /** A client: it is asked for its first token, which is then tried. */
  const proveClient = async (
    target: TokenTarget & { readonly method: TypedMethod },
    scopes: readonly string[],
    dpopKey: Parameters<OAuth['probe']>[1]['dpopKey'],
  ): Promise<Proof> => {
    const { definition, method } = target;
    try {
      const grant = await oauth.renew(target, { grant: 'client_credentials', scopes }, { dpopKey });
      const token = { accessToken: grant.accessToken, tokenType: grant.tokenType, dpopKey };
      const tried = await oauth.probe(target, { ...token, scopes: grant.scopes ?? scopes });
      const proof = readVerdict(definition, method, tried, 'token_request');
      // The token itself is proof of the client, whatever a probe could not find out.
      return proof.outcome === 'refused' ? proof : { outcome: 'accepted', by: 'token_request', grant };
    } catch (error) {
      if (!(error instanceof TokenRequestError)) throw error;
      const { outcome, detail } = error.verdict;
      if (outcome === 'transient' || outcome === 'use_dpop_nonce') return away(definition.name);
      return outcome === 'configuration'
        ? { outcome: 'refused', isTyped: false, detail: `${detail} Nothing was saved.` }
        : refusedAs(definition, method);
    }
  };

  return { proveStatic, proveClient };
};

export type ProveTyped = ReturnType<typeof createProveTyped>;
