import type { OrgState } from './org-state.js';

/** What one consent gave an app: a family of tokens that lives and dies together. */
export interface OrgGrant {
  id: string;
  userId: string;
  userEmail: string;
  clientId: string;
  scopes: string[];
  /** Seconds since the epoch, in the org's clock. */
  createdAtSeconds: number;
  /** The end of its refresh tokens, fixed when the first was issued; undefined where there is none. */
  refreshTokenEndsAtSeconds?: number;
  /** How many access tokens were issued and not revoked, and how many refresh tokens; ended ones count. */
  accessTokens: number;
  refreshTokens: number;
}

/** Every grant that stands, oldest first. */
export function listGrants({ store, directory }: OrgState): OrgGrant[] {
  const tokens = { access: store.list('AccessToken'), refresh: store.list('RefreshToken') };
  return store.list('Grant').map((grant): OrgGrant => {
    const endsAt = store.refreshTokenEnd(grant.id);
    const userId = grant.accountId ?? '';
    return {
      id: grant.id,
      userId,
      userEmail: directory.find(userId)?.email ?? userId,
      clientId: grant.clientId ?? '',
      scopes: grant.openid?.scope?.split(' ') ?? [],
      createdAtSeconds: grant.iat ?? 0,
      ...(endsAt === undefined ? {} : { refreshTokenEndsAtSeconds: endsAt }),
      accessTokens: tokens.access.filter((token) => token.grantId === grant.id).length,
      refreshTokens: tokens.refresh.filter((token) => token.grantId === grant.id).length,
    };
  });
}

/** Which grants to revoke: exactly one of the three. */
export type GrantSelection = { grantId: string } | { user: string } | { all: true };

/** Revokes grants with all their tokens, as an admin at the org would. Returns how many there were. */
export function revokeGrants(state: OrgState, selection: GrantSelection): number {
  const chosen = listGrants(state).filter(selector(state, selection));
  for (const grant of chosen) state.store.deleteGrant(grant.id);
  return chosen.length;
}

function selector(state: OrgState, selection: GrantSelection): (grant: OrgGrant) => boolean {
  if ('grantId' in selection) return (grant) => grant.id === selection.grantId;
  if ('user' in selection) {
    const { id } = state.directory.get(selection.user);
    return (grant) => grant.userId === id;
  }
  return () => true;
}
