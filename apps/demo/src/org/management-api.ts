import { type Request, type RequestHandler, type Response, Router } from 'express';
import type Provider from 'oidc-provider';
import { type ApiErrorCode, apiError } from './api-error.js';
import { ProofChecker } from './dpop-proof.js';
import type { OrgState } from './org-state.js';
import type { OrgApp, OrgGroup, OrgUser } from './people.js';
import { RateLimiter, rateLimitHeaders } from './rate-limit.js';

const MAX_PAGE_SIZE = 200;

/** A person, or a service app: an admin gave it the role that it needs. */
interface Caller {
  id: string;
  user: OrgUser | undefined;
  scopes: ReadonlySet<string>;
}

/** `/api/v1`: users, groups and apps, behind the same checks and refusals as Okta's. */
export function managementApi(state: OrgState, server: Provider): Router {
  const router = Router();
  const proofs = new ProofChecker(state.clock.wallMillis);
  const limiter = new RateLimiter(state.clock, state.callsPerMinute);
  const endpoint = (scope: string, needsRole: boolean, answer: (req: Request, caller: Caller) => unknown) =>
    guarded(state, server, limiter, proofs, scope, needsRole, answer);

  router.get(
    '/users/me',
    endpoint('okta.users.read', false, (_req, caller) => showUser(found(caller.user))),
  );
  router.get(
    '/users/:id',
    endpoint('okta.users.read', true, (req) => showUser(found(state.directory.find(String(req.params.id))))),
  );
  router.get(
    '/users',
    endpoint('okta.users.read', true, (req) =>
      page(
        state,
        req,
        state.directory.users().filter((user) => user.status !== 'DEPROVISIONED'),
      ).map(showUser),
    ),
  );
  router.get(
    '/groups',
    endpoint('okta.groups.read', true, (req) => page(state, req, state.directory.groups).map(showGroup)),
  );
  router.get(
    '/apps',
    endpoint('okta.apps.read', true, (req) => page(state, req, state.directory.apps).map(showApp)),
  );
  // A paid feature that this org has not bought: not every 401 means a dead token.
  router.all('/authorizationServers', (_req, res) => refuse(res, 401, 'E0000015'));
  router.all(['/users/me', '/users/:id', '/users', '/groups', '/apps'], (_req, res) =>
    refuse(res, 405, 'E0000022'),
  );
  router.use((_req, res) => refuse(res, 404, 'E0000007'));
  return router;
}

function guarded(
  state: OrgState,
  server: Provider,
  limiter: RateLimiter,
  proofs: ProofChecker,
  scope: string,
  needsRole: boolean,
  answer: (req: Request, caller: Caller) => unknown,
): RequestHandler {
  return async (req, res) => {
    res.set('Cache-Control', 'no-cache, no-store');
    const caller = await authenticate(state, server, proofs, req);
    if (!caller) return refuse(res, 401, 'E0000011');
    const { allowed, ...window } = limiter.count(`${req.baseUrl}${req.route.path} ${caller.id}`);
    res.set(rateLimitHeaders(window));
    if (!allowed) return refuse(res, 429, 'E0000047');
    if (!caller.scopes.has(scope)) return refuseScope(res, state.issuer, scope);
    if (needsRole && caller.user?.adminRole === 'NONE' && !asksForThemselves(req, caller)) {
      return refuse(res, 403, 'E0000006');
    }
    try {
      res.json(answer(req, caller));
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      refuse(res, error.status, error.code, error.causes);
    }
  };
}

/**
 * A token counts while it is unexpired, its grant stands, its user is active and its app is active. One that is bound to
 * a key counts only with a proof of that key, and under no other scheme.
 */
async function authenticate(
  state: OrgState,
  server: Provider,
  proofs: ProofChecker,
  req: Request,
): Promise<Caller | undefined> {
  const [, scheme = '', token = ''] = /^(Bearer|DPoP) +(\S+)$/i.exec(req.get('Authorization') ?? '') ?? [];
  if (token === '') return undefined;
  const found = (await server.AccessToken.find(token)) ?? (await server.ClientCredentials.find(token));
  const client = found?.clientId ? await server.Client.find(found.clientId) : undefined;
  if (!found || !client) return undefined;
  const url = new URL(req.originalUrl, state.issuer);
  const isProved =
    found.jkt === undefined
      ? scheme.toLowerCase() === 'bearer'
      : scheme.toLowerCase() === 'dpop' &&
        (await proofs.check(req.get('DPoP'), { method: req.method, url, token, thumbprint: found.jkt }));
  if (!isProved) return undefined;
  const scopes = new Set((found.scope ?? '').split(' '));
  if (found.kind === 'ClientCredentials') return { id: client.clientId, user: undefined, scopes };
  const grant = found.grantId === undefined ? undefined : await server.Grant.find(found.grantId);
  const user = state.directory.find(found.accountId);
  return grant && user?.status === 'ACTIVE' ? { id: user.id, user, scopes } : undefined;
}

function asksForThemselves(req: Request, { user }: Caller): boolean {
  return user !== undefined && [user.id, user.email].includes(String(req.params.id));
}

class ApiRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: ApiErrorCode,
    readonly causes: readonly string[] = [],
  ) {
    super(code);
  }
}

function refuse(res: Response, status: number, code: ApiErrorCode, causes: readonly string[] = []): void {
  res.status(status).json(apiError(code, causes));
}

/** Okta says which scope is missing in the header alone: the body is empty. */
function refuseScope(res: Response, issuer: string, scope: string): void {
  const parameters = [
    `authorization_uri="${issuer}/oauth2/v1/authorize"`,
    `realm="${issuer}"`,
    `scope="${scope}"`,
    'error="insufficient_scope"',
    'error_description="The access token provided does not contain the required scopes."',
    'resource="/api/v1"',
  ];
  res
    .status(403)
    .set('WWW-Authenticate', `Bearer ${parameters.join(', ')}`)
    .end();
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new ApiRefusal(404, 'E0000007');
  return value;
}

/** One page of a list, with `Link` headers: `self`, and `next` where there is more. */
function page<T extends { id: string }>(state: OrgState, req: Request, all: readonly T[]): T[] {
  const limit = pageSize(req.query.limit);
  const after = typeof req.query.after === 'string' ? req.query.after : undefined;
  const start = after === undefined ? 0 : all.findIndex((item) => item.id === after) + 1;
  const items = all.slice(start, start + limit);
  const url = new URL(req.originalUrl, state.issuer);
  const links = [`<${url.href}>; rel="self"`];
  const last = items.at(-1);
  if (last && start + limit < all.length) {
    url.searchParams.set('after', last.id);
    url.searchParams.set('limit', String(limit));
    links.push(`<${url.href}>; rel="next"`);
  }
  req.res?.set('Link', links);
  return items;
}

function pageSize(limit: unknown): number {
  if (limit === undefined) return MAX_PAGE_SIZE;
  const size = typeof limit === 'string' && /^\d+$/.test(limit) ? Number(limit) : 0;
  if (size < 1) throw new ApiRefusal(400, 'E0000001', ['limit: must be a whole number, 1 or more']);
  return Math.min(size, MAX_PAGE_SIZE);
}

function showUser(user: OrgUser) {
  return {
    id: user.id,
    status: user.status,
    created: user.created,
    activated: user.created,
    lastUpdated: user.created,
    profile: { firstName: user.firstName, lastName: user.lastName, login: user.email, email: user.email },
  };
}

function showGroup({ id, name, description, created }: OrgGroup) {
  return {
    id,
    created,
    lastUpdated: created,
    type: 'OKTA_GROUP',
    objectClass: ['okta:user_group'],
    profile: { name, description },
  };
}

function showApp({ id, name, label, signOnMode, created }: OrgApp) {
  return { id, name, label, status: 'ACTIVE', signOnMode, created, lastUpdated: created };
}
