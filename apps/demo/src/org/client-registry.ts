import { type JsonWebKey, randomBytes } from 'node:crypto';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { API_SCOPES } from './scopes.js';

/** An app of the org, as an admin registers it. */
export interface OrgClient {
  clientId: string;
  /** Left out by an app that signs with a key: see {@link OrgClient.publicKeys}. */
  clientSecret?: string;
  /** Compared exactly. Default: none, as for a service app. */
  redirectUris?: readonly string[];
  /** `web`: people sign in to it; `service`: client credentials alone, there is no user. Default `web`. */
  type?: 'web' | 'service';
  /**
   * Public keys that the app signs with (`private_key_jwt`) instead of sending a secret. An empty list: an admin registers
   * them later, by `control.setPublicKeys`.
   */
  publicKeys?: readonly JsonWebKey[];
  /** Which grants an admin ticked for a `web` app. Default: both. */
  grantTypes?: readonly ('authorization_code' | 'refresh_token')[];
  /** Emails of the people whom an admin assigned to the app. Default: everybody. */
  assignedTo?: readonly string[];
  /** Whether the app's tokens have to be bound to a key (DPoP). Default `false`. */
  dpop?: boolean;
  /** The `okta.*` scopes a Super Admin granted to the app. Default: all of them. */
  scopes?: readonly string[];
  /** What the consent page calls the app. Default: `Authpipe`. */
  name?: string;
}

/** An app with what was left out. */
export interface RegisteredClient
  extends Required<Omit<OrgClient, 'clientSecret' | 'publicKeys' | 'assignedTo'>> {
  assignedTo?: readonly string[];
  clientSecret: string | undefined;
  publicKeys: readonly JsonWebKey[] | undefined;
}

/** The apps and what an admin can do to them while the org runs. */
export class ClientRegistry {
  readonly #clients: ReadonlyMap<string, RegisteredClient>;
  readonly #replacedSecrets = new Map<string, string>();
  readonly #registeredKeys = new Map<string, readonly JsonWebKey[]>();
  readonly #keySetUrls = new Map<string, string>();
  readonly #grantedScopes = new Map<string, readonly string[]>();
  readonly #deactivated = new Set<string>();

  constructor(clients: readonly OrgClient[]) {
    this.#clients = new Map(
      clients.map(({ clientId, clientSecret, publicKeys, ...client }) => [
        clientId,
        {
          ...{ clientId, clientSecret, publicKeys, redirectUris: [], type: 'web', dpop: false },
          ...{ scopes: API_SCOPES, name: 'Authpipe' },
          grantTypes: ['authorization_code', 'refresh_token'],
          ...client,
        },
      ]),
    );
  }

  list(): (RegisteredClient & { active: boolean; secretBroken: boolean })[] {
    return [...this.#clients.keys()]
      .map((clientId) => this.get(clientId))
      .map((client) => ({
        ...client,
        active: !this.#deactivated.has(client.clientId),
        secretBroken: this.#replacedSecrets.has(client.clientId),
      }));
  }

  /** Throws `RangeError` that names the apps there are. */
  get(clientId: string): RegisteredClient {
    const client = this.#clients.get(clientId);
    if (client) return { ...client, scopes: this.#grantedScopes.get(clientId) ?? client.scopes };
    throw new RangeError(
      `This org has no app ${clientId}. Its apps are ${[...this.#clients.keys()].join(', ')}.`,
    );
  }

  /** As if an admin had made a new secret: the one the app holds is refused until {@link restoreSecret}. */
  breakSecret(clientId: string): void {
    this.#replacedSecrets.set(this.get(clientId).clientId, randomBytes(30).toString('base64url'));
  }

  restoreSecret(clientId: string): void {
    this.#replacedSecrets.delete(this.get(clientId).clientId);
  }

  /** As if an admin had pasted the app's keys: from now on it may sign with these. */
  setPublicKeys(clientId: string, keys: readonly JsonWebKey[]): void {
    this.#registeredKeys.set(this.get(clientId).clientId, keys);
  }

  /** As if an admin had pasted the address of the app's key set: the keys are fetched from there. */
  setKeySetUrl(clientId: string, url: string): void {
    this.#keySetUrls.set(this.get(clientId).clientId, url);
  }

  /** As if a Super Admin had granted the app these `okta.*` scopes, and no others. */
  grantScopes(clientId: string, scopes: readonly string[]): void {
    this.#grantedScopes.set(this.get(clientId).clientId, scopes);
  }

  setActive(clientId: string, active: boolean): void {
    if (active) this.#deactivated.delete(this.get(clientId).clientId);
    else this.#deactivated.add(this.get(clientId).clientId);
  }

  reset(): void {
    this.#replacedSecrets.clear();
    this.#registeredKeys.clear();
    this.#keySetUrls.clear();
    this.#grantedScopes.clear();
    this.#deactivated.clear();
  }

  /** Shows the apps to the authorization server. A deactivated one does not exist for it. */
  adapter(): Adapter {
    const refuse = async () => {
      throw new Error('Apps are registered when the org starts.');
    };
    return {
      find: async (clientId) => this.#metadata(clientId),
      findByUid: async () => undefined,
      findByUserCode: async () => undefined,
      upsert: refuse,
      consume: refuse,
      destroy: refuse,
      revokeByGrantId: refuse,
    };
  }

  #metadata(clientId: string): AdapterPayload | undefined {
    if (!this.#clients.has(clientId) || this.#deactivated.has(clientId)) return undefined;
    const client = this.get(clientId);
    return {
      client_id: clientId,
      client_name: client.name,
      redirect_uris: [...client.redirectUris],
      ...(client.type === 'service'
        ? { grant_types: ['client_credentials'], response_types: [], scope: client.scopes.join(' ') }
        : { grant_types: [...client.grantTypes], response_types: ['code'] }),
      dpop_bound_access_tokens: client.dpop,
      ...this.#authentication(client),
    };
  }

  #authentication({ clientId, clientSecret, publicKeys }: RegisteredClient): Partial<AdapterPayload> {
    const replaced = this.#replacedSecrets.get(clientId);
    const keySetUrl = this.#keySetUrls.get(clientId);
    if (keySetUrl !== undefined && replaced === undefined) {
      return { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keySetUrl };
    }
    if (publicKeys) {
      const keys = replaced === undefined ? (this.#registeredKeys.get(clientId) ?? publicKeys) : [];
      return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [...keys] } };
    }
    return {
      client_secret: replaced ?? clientSecret,
      // The library takes the secret from the header and from the body alike.
      token_endpoint_auth_method: 'client_secret_basic',
    };
  }
}
