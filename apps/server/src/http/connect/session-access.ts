import type { Request, RequestHandler, Response } from 'express';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { ConnectSession } from '../../connect/connect-session.js';
import type { Connect } from '../../connect/create-connect.js';
import { Problem } from '../../errors/problem.js';
import { problemDocumentOf, requestIdOf } from '../problem-response.js';
import { originOf } from './same-origin-guard.js';

/** How long a browser may remember that it may ask, in seconds. */
const PREFLIGHT_SECONDS = 600;

const BEARER = /^Bearer ([A-Za-z0-9_.-]+)$/i;

/** Answers a problem document. */
export const sendProblem = (response: Response, problem: Problem, publicUrl: string): void => {
  const { retryAfterSeconds } = problem.details;
  if (retryAfterSeconds !== undefined) response.set('Retry-After', String(Math.ceil(retryAfterSeconds)));
  response
    .status(problem.status)
    .type('application/problem+json')
    .json(problemDocumentOf(problem, requestIdOf(response), publicUrl));
};

/**
 * Answers a CORS preflight. It comes without the token, so it says yes to all who ask; the request itself is done, and
 * its answer readable, only for origins that the session names.
 */
export const allowPreflight =
  (method: 'GET' | 'DELETE'): RequestHandler =>
  (request, response) => {
    const origin = originOf(request);
    if (origin !== null) {
      response.set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Methods': method,
        'Access-Control-Allow-Headers': 'Authorization',
        'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
        Vary: 'Origin',
      });
    }
    response.status(204).end();
  };

/** A session that proved itself by its token, from a page that it names. */
type Answer = (found: Awaited<ReturnType<Connect['readByToken']>>, request: Request) => Promise<unknown>;

const requireOrigin = (request: Request, { allowedOrigins }: ConnectSession): void => {
  if (request.get('origin') === undefined) return;
  const origin = originOf(request);
  if (origin === null || !allowedOrigins.includes(origin)) {
    throw new Problem('forbidden', 'This origin is not in allowedOrigins of the connect session.');
  }
};

/** A route for scripts of the app's pages: `Authorization: Bearer <session token>`, exact origins, JSON or a problem. */
export const bySessionToken =
  ({ readByToken }: Pick<Connect, 'readByToken'>, publicUrl: string, answer: Answer): RequestHandler =>
  async (request, response) => {
    response.set('Vary', 'Origin');
    const token = BEARER.exec(request.get('authorization') ?? '')?.[1] ?? '';
    const origin = originOf(request);
    // Without credentials: the token is the whole proof, and no cookie takes part.
    const makeReadable = (): void => {
      if (origin !== null) response.set('Access-Control-Allow-Origin', origin);
    };
    try {
      const found = await readByToken(token);
      requireOrigin(request, found.session);
      makeReadable();
      response.json(await answer(found, request));
    } catch (error) {
      if (error instanceof Problem) sendProblem(response, error, publicUrl);
      else if (error instanceof ConnectRefusal) {
        // Readable to whoever asked, as it tells of nobody's session: else a button took a dead token for a dead network.
        makeReadable();
        sendProblem(
          response,
          new Problem('unauthorized', 'The session token is not known here: fetch a new one.'),
          publicUrl,
        );
      } else throw error;
    }
  };
