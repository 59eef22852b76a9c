import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuditWhere } from '@authpipe/types';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { ApiKeyIdentity } from '../access/api-key-store.js';
import type { IdempotentRequest } from '../access/idempotent-request-store.js';
import { type Actor, asActor } from '../actor.js';
import { Problem } from '../errors/problem.js';
import { keyActor, whereOf } from './caller.js';
import { parseInput } from './parse-input.js';
import { presentedKey } from './presented-key.js';
import { requestIdOf, toProblem } from './problem-response.js';
import { createQueryParser } from './query-parser.js';
import type { KeyedRoute, Route, RouteAnswer, StreamRoute } from './route.js';
import { readUses } from './uses-header.js';
import type { TakeUsage } from './v1/usage.js';

/** What the mount needs from the rooms below. */
export interface MountDependencies {
  /** @throws Problem `unauthorized` */
  readonly verifyApiKey: (presented: string) => Promise<ApiKeyIdentity>;
  readonly allows: (identity: ApiKeyIdentity, scope: KeyedRoute['scope']) => boolean;
  /** Runs a POST once per `Idempotency-Key`, and answers repetitions with the first answer. */
  readonly once: (request: IdempotentRequest, run: () => Promise<RouteAnswer>) => Promise<RouteAnswer>;
  /** Takes what a client says of its own memory, along with any call that a reader of credentials makes. */
  readonly takeUsage?: TakeUsage;
  /** Told of every call that an API key makes, and how it went; nobody is, when left out. */
  readonly noteKeyUse?: (use: KeyUse) => void;
}

/** A call of the API. */
export interface KeyUse {
  readonly actor: Actor;
  readonly key: ApiKeyIdentity;
  /** Method and pattern of the path: `GET /connections/:id`. */
  readonly call: string;
  /** `ok`, or the problem's code. */
  readonly result: string;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** Refusals that are audited with the connection that they are about. */
const OF_A_CREDENTIAL: ReadonlySet<string> = new Set(['needs_reconnect', 'provider_unavailable']);

async function* withEnds(lines: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) yield `${line}\n`;
}

const send = async (
  response: Response,
  { status = 200, body, headers = {}, lines }: RouteAnswer,
): Promise<void> => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  if (lines !== undefined) {
    // What breaks off in the middle, the database or the reader, can only be told by the end of the connection.
    await pipeline(Readable.from(withEnds(lines)), response).catch(() => response.destroy());
    return;
  }
  if (body === undefined) {
    response.end();
    return;
  }
  // Not `response.json`: it looks for conditions and encodings that no answer here has. As text, headers and body are one
  // write.
  const text = JSON.stringify(body);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
};

const parsed = (schema: KeyedRoute['body'], value: unknown, part: 'body' | 'path'): unknown =>
  schema === null ? undefined : parseInput(schema, value, part);

const parseJson = express.json({ limit: '256kb', strict: false });

const readBody = (request: Request, response: Response): Promise<void> => {
  // Clients say so of a POST that has nothing to say, and name no type then. @see RFC 9110 section 8.6
  if (request.headers['content-length'] === '0') return Promise.resolve();
  if (request.is('application/json') === false) {
    throw new Problem('invalid_request', 'Send the body as JSON, with "Content-Type: application/json".');
  }
  return new Promise((resolve, reject) => {
    parseJson(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
};

const idempotencyKeyOf = (request: Request, { method, isRead }: KeyedRoute): string | null => {
  const value = request.get('idempotency-key');
  if (value === undefined || method !== 'post' || isRead) return null;
  if (!IDEMPOTENCY_KEY.test(value)) {
    throw new Problem('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return value;
};

const keyedHandler = (
  route: KeyedRoute,
  { verifyApiKey, allows, once, noteKeyUse, takeUsage }: MountDependencies,
): RequestHandler => {
  const parseQuery = route.query === null ? () => undefined : createQueryParser(route.query);
  const call = `${route.method.toUpperCase()} ${route.path}`;
  const changes = route.method !== 'get' && !route.isRead;

  const answerTo = async (
    request: Request,
    response: Response,
    key: ApiKeyIdentity,
    { actor, where }: { readonly actor: Actor; readonly where: AuditWhere },
  ): Promise<RouteAnswer> => {
    if (!allows(key, route.scope)) {
      throw new Problem('forbidden', `This API key lacks the scope ${route.scope}: use one that has it.`);
    }
    // Not earlier: a stranger costs no more than the look-up of a key.
    if (route.body !== null) await readBody(request, response);
    const input = {
      key,
      params: parsed(route.params, request.params, 'path'),
      query: parseQuery(request),
      body: parsed(route.body, request.body ?? {}, 'body'),
      requestId: requestIdOf(response),
      where,
    };
    const idempotencyKey = idempotencyKeyOf(request, route);
    // What a read sets off (a refresh that is due) is the server's own doing.
    const run = () => (changes ? asActor(actor, () => route.handle(input)) : route.handle(input));
    if (idempotencyKey === null) return run();
    const { method, originalUrl: path, body } = request;
    return once({ key, idempotencyKey, method, path, body }, run);
  };

  return async (request, response) => {
    const key = await verifyApiKey(presentedKey(request));
    const where = whereOf(request);
    const actor = keyActor(key, where);
    const told = request.get('authpipe-uses');
    if (told !== undefined && allows(key, 'credentials:read'))
      takeUsage?.({ key, where }, { uses: readUses(told) });
    let answer: RouteAnswer;
    try {
      answer = await answerTo(request, response, key, { actor, where });
    } catch (error) {
      const { code } = toProblem(error);
      if (!route.auditsUse || !OF_A_CREDENTIAL.has(code)) noteKeyUse?.({ actor, key, call, result: code });
      throw error;
    }
    if (!route.auditsUse) noteKeyUse?.({ actor, key, call, result: 'ok' });
    await send(response, answer);
  };
};

const streamHandler =
  (route: StreamRoute, { verifyApiKey, allows, noteKeyUse }: MountDependencies): RequestHandler =>
  async (request, response) => {
    const presented = presentedKey(request);
    const key = await verifyApiKey(presented);
    if (!route.scopes.some((scope) => allows(key, scope))) {
      throw new Problem(
        'forbidden',
        `This API key lacks the scope ${route.scopes.join(' or ')}: use one that has it.`,
      );
    }
    const actor = keyActor(key, whereOf(request));
    noteKeyUse?.({ actor, key, call: `GET ${route.path}`, result: 'ok' });
    await route.open({
      key,
      lastEventId: request.get('last-event-id'),
      verifyAgain: () => verifyApiKey(presented),
      response,
    });
  };

/** Builds the router of `/v1`. Every answer is private and uncached. */
export const mountRoutes = (routes: readonly Route[], dependencies: MountDependencies): Router => {
  const router = Router();
  router.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  for (const route of routes) {
    if (route.scope === 'public') {
      router[route.method](route.path, async (request, response) => {
        await send(response, await route.handle({ params: request.params as Record<string, string> }));
      });
    } else if (route.scope === 'stream') {
      router.get(route.path, streamHandler(route, dependencies));
    } else {
      router[route.method](route.path, keyedHandler(route, dependencies));
    }
  }
  return router;
};
