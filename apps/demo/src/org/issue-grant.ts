import type Provider from 'oidc-provider';
import type { OrgState } from './org-state.js';
import { ALL_SCOPES } from './scopes.js';

/** Whose grant, and for which app. */
export interface NewOrgGrant {
  /** The user's email or id. */
  user: string;
  /** Default: the org's first app. */
  clientId?: string;
  /** Default: every scope that the app may have. */
  scopes?: readonly string[];
}

/** A grant and its first tokens, as the app would have received them for its code. */
export interface IssuedOrgGrant {
  grantId: string;
  accessToken: string;
  refreshToken: string;
  /** Life of the access token, in seconds. */
  expiresInSeconds: number;
  scopes: string[];
}

/**
 * What signing in and allowing would have come to, without a browser: for runs with hundreds of connections. Rejects
 * with `RangeError` that names what there is, where the user or the app is unknown.
 */
export async function issueGrant(
  { directory, clients, settings }: OrgState,
  server: Provider,
  { user, clientId, scopes }: NewOrgGrant,
): Promise<IssuedOrgGrant> {
  const accountId = directory.get(user).id;
  const app = clients.get(clientId ?? clients.list()[0]?.clientId ?? '');
  const client = await server.Client.find(app.clientId);
  if (!client) throw new RangeError(`The app ${app.clientId} is deactivated.`);
  const granted = ALL_SCOPES.filter(
    (scope) =>
      (scopes === undefined || scopes.includes(scope)) &&
      (!scope.startsWith('okta.') || app.scopes.includes(scope)),
  );
  const scope = granted.join(' ');
  const grant = new server.Grant({ accountId, clientId: app.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const token = { accountId, client, grantId, scope, gty: 'authorization_code', expiresWithSession: false };
  const authTime = Math.floor(Date.now() / 1000);
  return {
    grantId,
    refreshToken: await new server.RefreshToken({ ...token, authTime }).save(),
    accessToken: await new server.AccessToken(token).save(),
    expiresInSeconds: settings.accessTokenLifetimeSeconds,
    scopes: granted,
  };
}
