import type { JsonWebKey } from 'node:crypto';
import type Provider from 'oidc-provider';
import { type OrgCounters, zeroCounters } from './counters.js';
import type { Fault, PendingFault } from './faults.js';
import { type GrantSelection, listGrants, type OrgGrant, revokeGrants } from './grants.js';
import { type IssuedOrgGrant, issueGrant, type NewOrgGrant } from './issue-grant.js';
import type { OrgState } from './org-state.js';
import type { AdminRole, OrgUser, UserStatus } from './people.js';
import { checkTokenSettings, type RotationMode, type TokenSettings } from './settings.js';

/**
 * Everything a test or a person can do to the org that an app can't. The same methods stand behind the control page
 * and `/control/api`. People are named by email or id; unknown ones, and values that can't be, throw `RangeError`
 * with what to give instead.
 */
export interface OrgControl {
  /** Every grant that stands, oldest first. */
  listGrants(): OrgGrant[];
  /** Makes a grant with its first tokens as if the user had signed in and allowed it. */
  issueGrant(grant: NewOrgGrant): Promise<IssuedOrgGrant>;
  /** Revokes by grant, by user, or all of them. Returns how many there were. */
  revokeGrants(selection: GrantSelection): number;
  /** Ends every access token issued so far, as if its hour were over. Returns how many there were. */
  endAccessTokens(): number;

  /** Everybody who can sign in, with their role and state. */
  listPeople(): OrgUser[];
  /** Revokes the user's grants, signs them out and refuses sign-in. Undone by {@link reactivateUser}; the grants stay dead. */
  suspendUser(user: string): void;
  /** Like {@link suspendUser}, as when somebody leaves the company. */
  deactivateUser(user: string): void;
  reactivateUser(user: string): void;
  /** Gives or takes an admin role. Tokens stay good: only the API answers otherwise (403 E0000006). */
  setAdminRole(user: string, adminRole: AdminRole): void;

  /** Takes a scope from what was granted already, as when an admin takes it from the app: tokens are narrower from now on. */
  removeScope(scope: string): void;

  settings(): TokenSettings;
  /** Life of the access tokens issued from now on, in seconds. */
  setAccessTokenLifetime(seconds: number): void;
  setRotation(rotation: RotationMode): void;
  /** How long a replaced refresh token still works, in seconds: 0 to 60. */
  setGrace(seconds: number): void;

  /** Moves the org's clock forward by whole seconds; nobody else's. `reset` takes it back. */
  moveClock(seconds: number): void;
  /** The org's time, in milliseconds since the epoch. */
  nowMillis(): number;

  /** The app's secret stops working (401 `invalid_client`) until restored. Default: every app. */
  breakClientSecret(clientId?: string): void;
  restoreClientSecret(clientId?: string): void;
  /** The app is gone: 401 `invalid_client`, and its grants are revoked. Default: every app. */
  deactivateApp(clientId?: string): void;
  reactivateApp(clientId?: string): void;
  /** Registers the public keys that an app signs with, in place of those it had. */
  setPublicKeys(clientId: string, keys: readonly JsonWebKey[]): void;
  /** Registers the address that an app's public keys are fetched from. */
  setKeySetUrl(clientId: string, url: string): void;
  /** Grants an app these `okta.*` scopes, and no others. */
  grantScopes(clientId: string, scopes: readonly string[]): void;
  /** Whether a DPoP proof at the token endpoint has to hold the org's nonce. Default `false`. */
  setDpopNonce(required: boolean): void;

  /** The next calls on a path meet a fault instead of their answer. Several faults on a path come in turn. */
  failNext(fault: Fault): void;
  /** The faults still to come. */
  pendingFaults(): PendingFault[];
  /** Forgets the faults to come and lets hanging calls go on. */
  clearFaults(): void;
  /** Lets hanging calls go on. Returns how many there were. */
  releaseHung(): number;
  /** How many calls hang now. */
  hungCount(): number;

  counters(): OrgCounters;
  resetCounters(): void;
  /** Back to the start: people, roles, settings, clock, apps, counters; no grants, no sessions, no faults. */
  reset(): void;
}

export function createControl(state: OrgState, server: Provider): OrgControl {
  const { clock, settings, store, directory, clients, faults, counters } = state;
  const initialSettings = { ...settings };

  const change = (part: Partial<TokenSettings>) => {
    Object.assign(settings, checkTokenSettings({ ...settings, ...part }));
  };
  const setStatus = (user: string, status: UserStatus) => {
    const found = directory.get(user);
    found.status = status;
    if (status === 'ACTIVE') return;
    revokeGrants(state, { user });
    store.deleteSessions(found.id);
  };
  const eachClient = (clientId: string | undefined, act: (clientId: string) => void) => {
    for (const id of clientId === undefined ? clients.list().map((client) => client.clientId) : [clientId])
      act(id);
  };
  const resetCounters = () => void Object.assign(counters, zeroCounters());

  return {
    listGrants: () => listGrants(state),
    issueGrant: (grant) => issueGrant(state, server, grant),
    revokeGrants: (selection) => revokeGrants(state, selection),
    endAccessTokens: () => store.deleteAccessTokens(),

    listPeople: () => directory.signInUsers().map((user) => ({ ...user })),
    suspendUser: (user) => setStatus(user, 'SUSPENDED'),
    deactivateUser: (user) => setStatus(user, 'DEPROVISIONED'),
    reactivateUser: (user) => setStatus(user, 'ACTIVE'),
    setAdminRole(user, adminRole) {
      directory.get(user).adminRole = adminRole;
    },

    removeScope: (scope) => store.removeScope(scope),

    settings: () => ({ ...settings }),
    setAccessTokenLifetime: (accessTokenLifetimeSeconds) => change({ accessTokenLifetimeSeconds }),
    setRotation: (rotation) => change({ rotation }),
    setGrace: (graceSeconds) => change({ graceSeconds }),

    moveClock: (seconds) => clock.moveForward(seconds),
    nowMillis: () => clock.nowMillis(),

    breakClientSecret: (clientId) => eachClient(clientId, (id) => clients.breakSecret(id)),
    restoreClientSecret: (clientId) => eachClient(clientId, (id) => clients.restoreSecret(id)),
    deactivateApp: (clientId) =>
      eachClient(clientId, (id) => {
        clients.setActive(id, false);
        for (const grant of listGrants(state)) if (grant.clientId === id) store.deleteGrant(grant.id);
      }),
    reactivateApp: (clientId) => eachClient(clientId, (id) => clients.setActive(id, true)),

    setPublicKeys: (clientId, keys) => clients.setPublicKeys(clientId, keys),
    setKeySetUrl: (clientId, url) => clients.setKeySetUrl(clientId, url),
    grantScopes: (clientId, scopes) => clients.grantScopes(clientId, scopes),
    setDpopNonce(required) {
      state.dpop.nonceRequired = required;
    },

    failNext: (fault) => faults.add(fault),
    pendingFaults: () => faults.list(),
    clearFaults: () => faults.clear(),
    releaseHung: () => faults.release(),
    hungCount: () => faults.hungCount(),

    counters: () => ({ ...counters }),
    resetCounters,
    reset() {
      store.clear();
      directory.reset();
      clients.reset();
      faults.clear();
      clock.reset();
      Object.assign(settings, initialSettings);
      state.dpop.nonceRequired = false;
      resetCounters();
    },
  };
}
