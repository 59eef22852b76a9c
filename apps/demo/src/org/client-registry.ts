import { randomBytes } from 'node:crypto';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { API_SCOPES } from './scopes.js';

/** An app of the org: a confidential web client, as an admin registers it. */
export interface OrgClient {
  clientId: string;
  clientSecret: string;
  /** Compared exactly. */
  redirectUris: readonly string[];
  /** The `okta.*` scopes a Super Admin granted to the app. Default: all of them. */
  scopes?: readonly string[];
  /** What the consent page calls the app. Default: `Authpipe`. */
  name?: string;
}

/** The apps and what an admin can do to them while the org runs. */
export class ClientRegistry {
  readonly #clients: ReadonlyMap<string, Required<OrgClient>>;
  readonly #replacedSecrets = new Map<string, string>();
  readonly #deactivated = new Set<string>();

  constructor(clients: readonly OrgClient[]) {
    this.#clients = new Map(
      clients.map((client) => [client.clientId, { scopes: API_SCOPES, name: 'Authpipe', ...client }]),
    );
  }

  list(): (Required<OrgClient> & { active: boolean; secretBroken: boolean })[] {
    return [...this.#clients.values()].map((client) => ({
      ...client,
      active: !this.#deactivated.has(client.clientId),
      secretBroken: this.#replacedSecrets.has(client.clientId),
    }));
  }

  /** Throws `RangeError` that names the apps there are. */
  get(clientId: string): Required<OrgClient> {
    const client = this.#clients.get(clientId);
    if (client) return client;
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

  setActive(clientId: string, active: boolean): void {
    if (active) this.#deactivated.delete(this.get(clientId).clientId);
    else this.#deactivated.add(this.get(clientId).clientId);
  }

  reset(): void {
    this.#replacedSecrets.clear();
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
    const client = this.#clients.get(clientId);
    if (!client || this.#deactivated.has(clientId)) return undefined;
    return {
      client_id: clientId,
      client_name: client.name,
      client_secret: this.#replacedSecrets.get(clientId) ?? client.clientSecret,
      redirect_uris: [...client.redirectUris],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // The library takes the secret from the header and from the body alike.
      token_endpoint_auth_method: 'client_secret_basic',
    };
  }
}
