import type { ServerResponse } from 'node:http';
import type { ApiKeyScope, AuditWhere } from '@authpipe/types';
import type { z } from 'zod';
import type { ApiKeyIdentity } from '../access/api-key-store.js';

/** What a handler is given: everything checked, nothing raw. */
export interface RouteInput<Params, Query, Body> {
  /** Who calls. The route's scope has been checked; what is limited to a tenant is for the handler to check. */
  readonly key: ApiKeyIdentity;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly requestId: string;
  /** Where the call comes from. */
  readonly where: AuditWhere;
}

/** What a handler answers: a JSON body (none with 204), 200 unless told. */
export interface RouteAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lines of text instead of a body, as many as there are: sent as they come. */
  readonly lines?: AsyncIterable<string>;
}

interface RouteBase {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below `/v1`, in Express's notation. */
  readonly path: string;
  /** One line for the API description. */
  readonly summary: string;
  /** The shape of a good answer, for the API description. */
  readonly answer?: z.ZodType;
  /** Media type of a good answer, for the API description. Default `application/json`. */
  readonly answerType?: string;
}

/** A route for callers with an API key that has `scope`. */
export interface KeyedRoute extends RouteBase {
  readonly scope: ApiKeyScope;
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  /** A POST that only reads: `Idempotency-Key` changes nothing, and its answer is never kept. */
  readonly isRead?: true;
  /** What it gives out is audited one by one: the call is not, unless it fails. */
  readonly auditsUse?: true;
  readonly handle: (input: RouteInput<unknown, unknown, unknown>) => Promise<RouteAnswer>;
}

/** A route that needs no key: the catalogue. */
export interface PublicRoute extends RouteBase {
  readonly scope: 'public';
  readonly handle: (input: { readonly params: Readonly<Record<string, string>> }) => Promise<RouteAnswer>;
}

/** What a stream is opened with. */
export interface StreamInput {
  readonly key: ApiKeyIdentity;
  /** The header of that name, as the caller sent it. */
  readonly lastEventId: string | undefined;
  /** Who the same API key is now. @throws Problem `unauthorized` when it was revoked or has expired meanwhile */
  readonly verifyAgain: () => Promise<ApiKeyIdentity>;
  readonly response: ServerResponse;
}

/** A route that answers for as long as both sides like, for callers whose key has any of `scopes`. */
export interface StreamRoute extends RouteBase {
  readonly method: 'get';
  readonly scope: 'stream';
  readonly scopes: readonly ApiKeyScope[];
  /** Takes over the response. What it throws before it has written is answered as a problem. */
  readonly open: (input: StreamInput) => Promise<void>;
}

export type Route = KeyedRoute | PublicRoute | StreamRoute;

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/**
 * Declares a route: its scope and the schemas of all it reads. What the schemas refuse never reaches the handler, and is
 * answered with `invalid_request` and a pointer to each fault.
 */
export const defineRoute = <
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  route: RouteBase & {
    readonly scope: ApiKeyScope;
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly isRead?: true;
    readonly auditsUse?: true;
    readonly handle: (input: RouteInput<Output<Params>, Output<Query>, Output<Body>>) => Promise<RouteAnswer>;
  },
): KeyedRoute => ({
  ...route,
  params: route.params ?? null,
  query: route.query ?? null,
  body: route.body ?? null,
  // Sound: the mount parses with these very schemas before it calls.
  handle: route.handle as KeyedRoute['handle'],
});
