import type { Connection, Credential, ProviderId } from '@authpipe/types';
import { abortable } from './abortable.js';
import { checkedScope, checkedSignal } from './call-arguments.js';
import type { CallOptions, ConnectionFilter } from './connections.js';
import { checkId, type LooseRef } from './credential-ref.js';
import { AuthpipeError, invalidField } from './errors.js';
import { pathOfRef, type RefPath } from './owner-index.js';

/** Whose credentials to load: all of a tenant, or those of one provider or integration. */
export interface PreloadScope {
  readonly tenantId: string;
  readonly provider?: ProviderId;
  readonly integration?: string;
}

const SCOPE_KEYS = ['tenantId', 'provider', 'integration'] as const satisfies readonly (keyof PreloadScope)[];

/** How a preload went. */
export interface PreloadResult {
  /** How many credentials are in the cache now. */
  readonly loaded: number;
  /** Connections without a credential to use, such as those that need reconnecting, each with why. */
  readonly failed: readonly PreloadFailure[];
}

/** A connection whose credential could not be loaded. */
export interface PreloadFailure {
  readonly connectionId: string;
  readonly error: AuthpipeError;
}

/** What preloading needs. */
export interface PreloadTools {
  readonly list: (filter: ConnectionFilter, options: CallOptions) => AsyncIterable<Connection>;
  /** Asks the server and keeps the answer. */
  readonly load: (ref: LooseRef) => Promise<Credential>;
  /** Lets another ref find what is kept of a connection. */
  readonly point: (path: RefPath, connectionId: string) => void;
  readonly maxEntries: number;
}

/** As many as the server lists, and answers credentials of, at once. */
const PAGE_SIZE = 100;

/** Another integration, or none, is what the provider means for this owner. */
const MEANS_ANOTHER = new Set<string>([
  'connection_ambiguous',
  'connection_not_found',
  'integration_not_configured',
]);

/** Fills the cache with a tenant's credentials, up to its size. @throws AuthpipeError where the list can't be had */
export const preload = async (
  scope: PreloadScope,
  options: CallOptions,
  tools: PreloadTools,
): Promise<PreloadResult> => {
  checkedScope('scope', scope, SCOPE_KEYS);
  // Left out by mistake, it would load every tenant.
  if (scope.tenantId === undefined) throw invalidField('tenantId', 'is missing');
  for (const field of SCOPE_KEYS) checkId(field, scope[field]);
  const { signal } = checkedSignal(options);
  const failed: PreloadFailure[] = [];
  let loaded = 0;
  const loadPage = async (page: readonly Connection[]) => {
    const outcomes = await abortable(
      Promise.all(page.map((connection) => tryOne(connection, tools))),
      signal,
    );
    failed.push(...outcomes.filter((outcome) => outcome !== undefined));
    loaded += outcomes.filter((outcome) => outcome === undefined).length;
  };
  let page: Connection[] = [];
  for await (const connection of tools.list({ ...scope, pageSize: PAGE_SIZE }, { signal })) {
    page.push(connection);
    if (page.length < Math.min(PAGE_SIZE, tools.maxEntries - loaded)) continue;
    await loadPage(page);
    page = [];
    if (loaded >= tools.maxEntries) break;
  }
  if (page.length > 0) await loadPage(page);
  return { loaded, failed };
};

const tryOne = async (connection: Connection, tools: PreloadTools): Promise<PreloadFailure | undefined> => {
  try {
    await loadOne(connection, tools);
    return undefined;
  } catch (error) {
    // The key itself is refused: every other connection would fail the same way.
    if (!(error instanceof AuthpipeError) || error.code === 'unauthorized') throw error;
    return { connectionId: connection.id, error };
  }
};

/** By provider first, as most reads ask: only the server knows whether that means this connection. */
const loadOne = async (
  { id, provider, integration, tenantId, userId, label }: Connection,
  { load, point }: PreloadTools,
): Promise<void> => {
  const owned = userId === null ? { owner: 'tenant', tenantId, label } : { userId, tenantId, label };
  const byIntegration = { integration, ...owned };
  const meant = await load({ provider, ...owned }).catch((error: unknown) => {
    if (error instanceof AuthpipeError && MEANS_ANOTHER.has(error.code)) return undefined;
    throw error;
  });
  const path = pathOfRef(byIntegration);
  if (meant?.connectionId === id && path !== undefined) point(path, id);
  else await load(byIntegration);
};
