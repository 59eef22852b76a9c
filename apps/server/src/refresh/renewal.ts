import type { TokenErrorVerdict } from '@authpipe/providers';
import type { CredentialSecrets, StoredCredential } from '../credentials/credential-record.js';
import type { IntegrationRecord } from '../integrations/integration-store.js';
import type { DpopKey } from '../oauth/dpop-key.js';
import type { Renewal, TokenGrant } from '../oauth/oauth.js';

/** The secrets of a credential that is made of tokens. */
export type TokenSecrets = Extract<CredentialSecrets, { accessToken: string }>;

/**
 * What the next access token is asked for with: the refresh token, or the client alone, for the scopes that were asked for
 * when the connection was made. `null` when nothing is there to ask with: a person has to connect again.
 */
export const renewalOf = (
  secrets: TokenSecrets,
  { requestedScopes }: Pick<StoredCredential['connection'], 'requestedScopes'>,
): Renewal | null => {
  if (secrets.kind === 'client_credentials') return { grant: 'client_credentials', scopes: requestedScopes };
  return secrets.refreshToken === null
    ? null
    : { grant: 'refresh_token', refreshToken: secrets.refreshToken };
};

/**
 * The key to prove with: the connection's own, where its integration binds tokens. A connection that was made before its
 * integration was set so has none: `createKey` makes one, and `renewedSecrets` keeps it. `undefined`: no proof.
 */
export const renewalKey = async (
  secrets: TokenSecrets,
  { integration }: { readonly integration: Pick<IntegrationRecord, 'dpop'> | null },
  createKey: () => Promise<DpopKey>,
): Promise<DpopKey | undefined> =>
  integration?.dpop === true ? (secrets.dpopKey ?? (await createKey())) : undefined;

/**
 * The secrets after a token answer. An answer without a refresh token means that the old one stays good (RFC 6749 section
 * 6). A key that was once used stays, whatever the integration says later.
 */
export const renewedSecrets = (
  secrets: TokenSecrets,
  grant: Pick<TokenGrant, 'accessToken' | 'refreshToken'>,
  dpopKey: DpopKey | undefined,
): TokenSecrets => {
  const key = dpopKey ?? secrets.dpopKey;
  const bound = key === undefined ? {} : { dpopKey: key };
  return secrets.kind === 'client_credentials'
    ? { ...secrets, accessToken: grant.accessToken, refreshToken: null, ...bound }
    : {
        ...secrets,
        accessToken: grant.accessToken,
        refreshToken: grant.refreshToken ?? secrets.refreshToken,
        ...bound,
      };
};

/** Refusals that say the client is at fault where there is nothing but a client. */
const OF_THE_CLIENT: ReadonlySet<TokenErrorVerdict['outcome']> = new Set([
  'integration',
  'reconnect',
  'code_rejected',
]);

/**
 * What a refused renewal means. With client credentials there is no grant of a person that could be dead, whatever a
 * provider answers (`invalid_grant`, say): the client was refused. The connection's own client is for whoever brought it
 * to mend (`reconnect`, which is `needs_reconnect`); the integration's is the integration's trouble, and nobody reconnects.
 */
export const renewalVerdict = (verdict: TokenErrorVerdict, secrets: TokenSecrets): TokenErrorVerdict => {
  if (secrets.kind !== 'client_credentials' || !OF_THE_CLIENT.has(verdict.outcome)) return verdict;
  const reason = verdict.reason === 'app_deactivated' ? verdict.reason : 'client_secret_invalid';
  return secrets.client === null
    ? {
        outcome: 'integration',
        reason: verdict.outcome === 'integration' ? (verdict.reason ?? reason) : reason,
        detail:
          'The provider refused the integration’s client. Set its credentials anew on the integration; nobody has to reconnect.',
      }
    : {
        outcome: 'reconnect',
        reason,
        detail:
          'The provider refused the client ID or the client secret. Import the connection with new ones.',
      };
};
